//! `waxseal-bindgen <module.wasm> <folder>`: wasm-bindgen as a library, at the version that is locked beside the crate's, so that
//! a new machine installs no tool. Made for bundlers: the glue gets its instance from the package's own entry files.

#![forbid(unsafe_code)]

use std::{env, error::Error};

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [module, folder] = arguments.as_slice() else {
        return Err("usage: waxseal-bindgen <module.wasm> <folder>".into());
    };
    let mut bindgen = Bindgen::new();
    bindgen.bundler(true)?.typescript(false).remove_name_section(true).remove_producers_section(true);
    bindgen.input_path(module).out_name("waxseal").generate(folder)?;
    Ok(())
}
