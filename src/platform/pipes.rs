//! Pipes and pseudo-terminals that no program inherits which is started meanwhile.

use std::{io, os::fd::OwnedFd};

use rustix::{
    io::ioctl_fionbio,
    pty::{OpenptFlags, grantpt, openpt, unlockpt},
};

/// A pipe: the end to read from, and the one to write to.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    Ok((reader.into(), writer.into()))
}

/// A pipe whose ends never wait: a byte in it wakes whoever listens to it.
pub fn waking_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = pipe()?;
    ioctl_fionbio(&reader, true)?;
    ioctl_fionbio(&writer, true)?;
    Ok((reader, writer))
}

/// The end of a new pseudo-terminal from which is read what a program writes on the other, which may be opened now.
pub fn pseudo_terminal() -> io::Result<OwnedFd> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    #[cfg(target_os = "linux")]
    let flags = flags | OpenptFlags::CLOEXEC;
    let reader = openpt(flags)?;
    // macOS cannot open it so at once: a program that another thread starts in between inherits it.
    #[cfg(not(target_os = "linux"))]
    rustix::io::fcntl_setfd(&reader, rustix::io::FdFlags::CLOEXEC)?;
    grantpt(&reader)?;
    unlockpt(&reader)?;
    Ok(reader)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        io::{ErrorKind, Read as _, Write as _},
    };

    use super::*;

    #[test]
    fn a_waking_pipe_never_waits() {
        let (reader, writer) = waking_pipe().unwrap();
        let (mut reader, mut writer) = (File::from(reader), File::from(writer));
        assert_eq!(reader.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        writer.write_all(b"x").unwrap();
        assert_eq!(reader.read(&mut [0]).unwrap(), 1);
        while writer.write(&[0; 4096]).is_ok() {}
        assert_eq!(writer.write(&[0; 4096]).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
}
