//! The pages: their Rust blocks are doctests of this crate.

/// Includes pages as documentation that only the test run sees.
macro_rules! pages {
    ($($name:ident = $path:literal;)+) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!(concat!("../../../docs/", $path))]
            pub struct $name;
        )+
    };
}

pages! {
    Cookbook = "cookbook.md";
    CookbookSigningIn = "cookbook/signing-in.md";
    CookbookPages = "cookbook/pages.md";
    CookbookCsrf = "cookbook/csrf.md";
    CookbookDevices = "cookbook/devices.md";
    CookbookAccount = "cookbook/account.md";
    CookbookStreams = "cookbook/streams.md";
    CookbookApplications = "cookbook/applications.md";
    Configuring = "configuring.md";
    HowItWorks = "how-it-works.md";
    Security = "security.md";
    AtTheEdge = "edge.md";
}
