//! Writing what was found out.

use std::io::{self, ErrorKind, Write};

/// Writes the whole text. It is no failure if the reader has closed the pipe.
///
/// # Errors
///
/// Any other reason why it cannot be written: a full disk.
pub fn write_out(out: &mut dyn Write, text: &str) -> io::Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Refusing(ErrorKind);

    impl Write for Refusing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_failure_and_a_full_disk_is() {
        assert!(write_out(&mut Refusing(ErrorKind::BrokenPipe), "x").is_ok());
        assert!(write_out(&mut Refusing(ErrorKind::StorageFull), "x").is_err());
    }
}
