//! What is tested here is what the pages show.

use waxseal_guides::recipes::{MARKER, ON_PAGES};

#[test]
fn each_recipe_stands_on_its_page_word_for_word() {
    for (file, page) in ON_PAGES {
        let (_, recipe) = file.split_once(MARKER).expect("a recipe's file has the marker");
        let block = format!("\n{recipe}```\n");
        assert!(page.contains(&block), "this recipe is not on its page as it stands in its file:\n{recipe}");
    }
}
