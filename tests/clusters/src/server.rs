//! A server process of a test, and what the machine must have for it.

use std::{
    env, fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};

/// A process that ends with its test.
pub(crate) struct Server {
    child: Child,
    /// How it is told to end: a signal's name.
    signal: &'static str,
}

impl Server {
    /// Starts a program whose output goes to a file of this folder.
    pub(crate) fn start(command: &mut Command, folder: &Path, signal: &'static str) -> Self {
        let log = fs::File::create(folder.join("server.log")).unwrap();
        let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Self { child, signal }
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").args([self.signal, &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// Ports that are free now.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// Whether all these files are there; in CI they must be.
pub fn is_there(what: &str, files: &[&str]) -> bool {
    let missing: Vec<&&str> = files.iter().filter(|file| !Path::new(file).exists()).collect();
    if missing.is_empty() {
        return true;
    }
    assert!(env::var_os("CI").is_none(), "{what} needs {missing:?}");
    println!("left out: {what} needs {missing:?}");
    false
}

/// Runs a program to its end, which must be good; what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {printed}{}", String::from_utf8_lossy(&output.stderr));
    printed
}
