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

/// The package's own tests run the code of its README.
#[test]
fn the_worker_of_the_guide_is_the_one_of_the_packages_readme() {
    let guide = include_str!("../../../../docs/edge.md");
    let readme = include_str!("../../../../wasm/npm/README.md");
    let (_, code) = guide.split_once("```js\n").expect("a block of JavaScript");
    let (code, _) = code.split_once("```\n").expect("its end");
    assert!(code.contains("EndedFeed") && readme.contains(&format!("```js feed-worker.js\n{code}```\n")));
}
