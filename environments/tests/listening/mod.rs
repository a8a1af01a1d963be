//! What a process listens on.

use std::collections::BTreeSet;
use std::fs;

/// The TCP ports that a process listens on.
pub fn tcp_ports(pid: i32) -> BTreeSet<u16> {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let sockets: BTreeSet<String> = open
        .filter_map(|entry| {
            let target = fs::read_link(entry.path()).ok()?;
            let inode = target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(inode.to_owned())
        })
        .collect();
    let listed = ["tcp", "tcp6"].map(|kind| fs::read_to_string(format!("/proc/{pid}/net/{kind}")).unwrap_or_default());
    let lines = listed.iter().flat_map(|text| text.lines().skip(1));
    let listening = lines.filter_map(|line| {
        // As proc_pid_net(5) has it: the local address second, the state fourth (0A listens), the inode tenth.
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let (_, port) = words[1].rsplit_once(':')?;
        let is_ours = words[3] == "0A" && sockets.contains(words[9]);
        is_ours.then(|| u16::from_str_radix(port, 16).unwrap())
    });
    listening.collect()
}
