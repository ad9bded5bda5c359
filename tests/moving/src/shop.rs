//! What every application of these tests does: a shop, with who is signed in, a cart and a profile in the session.
//!
//! `/shop/sign-in?user=7`, `/shop/buy?item=3`, `/shop/page` and `/shop/sign-out`.

use serde::{Deserialize, Serialize};

/// The session keys of the cart and of the profile, and of the user where the old system has one key for that.
pub const CART: &str = "cart";
pub const PROFILE: &str = "profile";
pub const USER_ID: &str = "user_id";

/// What the page shows where nobody is signed in.
pub const NOBODY: &str = "nobody";

/// Text that cookies must encode, a fraction and an absent value: what formats differ in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    pub name: String,
    pub rate: f64,
    pub newsletter: Option<bool>,
}

impl Profile {
    pub fn of(user: u32) -> Self {
        Self { name: format!("Ada ä; \"{user}\" = 100 %"), rate: 0.1 + f64::from(user), newsletter: None }
    }
}

#[derive(Deserialize)]
pub struct SignIn {
    pub user: u32,
}

#[derive(Deserialize)]
pub struct Buy {
    pub item: u32,
}

/// The page, as JSON.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    pub user: String,
    pub cart: Vec<u32>,
    pub profile: Profile,
}

/// The page's text. Whoever is signed in has a profile.
pub fn page(user: Option<impl ToString>, cart: Option<Vec<u32>>, profile: Option<Profile>) -> String {
    match (user, profile) {
        (Some(user), Some(profile)) => {
            let page = Page { user: user.to_string(), cart: cart.unwrap_or_default(), profile };
            serde_json::to_string(&page).unwrap()
        }
        _ => NOBODY.into(),
    }
}

/// The cart with one more item.
pub fn with(item: u32, cart: Option<Vec<u32>>) -> Vec<u32> {
    let mut cart = cart.unwrap_or_default();
    cart.push(item);
    cart
}
