//! A terminal for a command that is tested.

use std::fs::File;
use std::io::Read as _;
use std::process::{Command, Stdio};

use libtest_mimic::Failed;
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

/// Runs the command with its output in a terminal of this many columns, and gives what it wrote there.
pub fn output_in_terminal(mut command: Command, columns: u16) -> Result<String, Failed> {
    let ours = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    rustix::pty::grantpt(&ours)?;
    rustix::pty::unlockpt(&ours)?;
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&ours, size)?;
    let name = rustix::pty::ptsname(&ours, Vec::new())?;
    let theirs = File::options().read(true).write(true).open(name.to_str()?)?;
    command.env_remove("COLUMNS").env_remove("NO_COLOR").env("TERM", "xterm");
    command.stdin(Stdio::null()).stdout(Stdio::from(theirs)).stderr(Stdio::inherit());
    let mut child = command.spawn()?;
    // The command holds the other end too, and it has to be closed for the reading to end.
    drop(command);
    let mut written = Vec::new();
    let mut part = [0; 4096];
    let mut ours = File::from(ours);
    // When the last descriptor of the other end is closed, the kernel returns EIO.
    while let Ok(count @ 1..) = ours.read(&mut part) {
        written.extend_from_slice(&part[..count]);
    }
    let status = child.wait()?;
    if !status.success() {
        return Err(format!("{status}: {}", String::from_utf8_lossy(&written)).into());
    }
    Ok(String::from_utf8(written)?.replace("\r\n", "\n"))
}

/// The text without the escapes of colours.
pub fn without_colour(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    plain + rest
}
