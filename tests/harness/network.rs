//! Networks of their own: namespaces of this machine's network, made by `ip` and removed with it.

use std::path::PathBuf;
use std::process::Command;

/// Namespaces on one network. They go, with every interface in them, when this is dropped.
pub(crate) struct Network {
    ip: PathBuf,
    /// What the names of its namespaces begin with.
    name: String,
    net: String,
    namespaces: Vec<String>,
}

impl Network {
    /// Without a namespace yet; `number`, at most 3, tells the networks of one run apart.
    pub(crate) fn new(ip: PathBuf, number: u8) -> Self {
        let id = std::process::id();
        Self {
            ip,
            name: format!("parl{id}n{number}"),
            // From the block for benchmarks of network devices, which no real network uses.
            net: format!(
                "198.{}.{}",
                18 + id % 2,
                id / 2 % 64 * 4 + u32::from(number)
            ),
            namespaces: Vec::new(),
        }
    }

    /// Makes a namespace, in which there is only a loopback; `end` becomes the end of its name.
    pub(crate) fn add_namespace(&mut self, end: &str) -> String {
        let namespace = format!("{}{end}", self.name);
        self.run(&format!("netns add {namespace}"));
        self.namespaces.push(namespace.clone());
        namespace
    }

    /// The address of one of its hosts, which are counted from 1.
    pub(crate) fn address(&self, host: usize) -> String {
        format!("{}.{host}", self.net)
    }

    /// A command that runs `program` in a namespace.
    pub(crate) fn command(&self, namespace: &str, program: &Command) -> Command {
        let mut command = Command::new(&self.ip);
        command.args(["netns", "exec", namespace]);
        command.arg(program.get_program()).args(program.get_args());
        for (key, value) in program.get_envs() {
            if let Some(value) = value {
                command.env(key, value);
            }
        }
        command
    }

    /// Has `ip` do something, with arguments parted by spaces.
    pub(crate) fn run(&self, arguments: &str) {
        let output = Command::new(&self.ip)
            .args(arguments.split(' '))
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ip {arguments}: {complaint}");
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for namespace in &self.namespaces {
            let delete = ["netns", "del", namespace.as_str()];
            let _ = Command::new(&self.ip).args(delete).output();
        }
    }
}
