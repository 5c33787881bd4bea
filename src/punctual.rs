//! A connection whose client has to come to the point. actix watches how long the first head of a connection takes, and
//! forgets to for the next: a few bytes of one would keep a connection for ever.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// What an answer is not: the rest of the request is still to come.
const GO_ON: &[u8] = b"HTTP/1.1 100";

/// Ends what is read from `io` when, after an answer, the next head takes longer than `head` from its first byte, or
/// nobody says anything for `idle`.
pub struct Punctual<T> {
    io: T,
    head: Duration,
    idle: Duration,
    hears: Hears,
    /// Since when that is waited for. `None`: it did not come to waiting yet.
    since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

/// What is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hears {
    /// An answer of ours, to a head that is complete; or the first head, which actix watches.
    Us,
    /// The next head.
    Nothing,
    /// Likewise, after blank lines, which may come before it.
    Blanks,
    /// The rest of a line.
    Line,
    /// What comes after a line's end: a blank line ends the head.
    LineEnd,
    /// The end of a blank line.
    BlankLine,
}

impl<T> Punctual<T> {
    /// A connection that was just made.
    pub fn new(io: T, head: Duration, idle: Duration) -> Self {
        Self { io, head, idle, hears: Hears::Us, since: None, alarm: None }
    }

    fn hear(&mut self, bytes: &[u8]) {
        if self.hears == Hears::Us || bytes.is_empty() {
            return;
        }
        if self.hears == Hears::Nothing {
            self.since = None;
        }
        self.hears = self.hears.after(bytes);
    }

    fn answered(&mut self, bytes: &[u8]) {
        if !bytes.starts_with(GO_ON) {
            self.hears = Hears::Nothing;
            self.since = None;
        }
    }

    /// Waits for more, or for the end of our patience.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let patience = match self.hears {
            Hears::Us => return Poll::Pending,
            Hears::Nothing => self.idle,
            _ => self.head,
        };
        let now = Instant::now();
        let deadline = *self.since.get_or_insert(now) + patience;
        if now >= deadline {
            return Poll::Ready(());
        }
        match &mut self.alarm {
            // It rings in time; that it may ring too early costs nothing.
            Some(alarm) if alarm.deadline() <= deadline && !alarm.is_elapsed() => Poll::Pending,
            Some(alarm) => {
                alarm.as_mut().reset(deadline);
                alarm.as_mut().poll(cx)
            }
            None => self.alarm.insert(Box::pin(sleep_until(deadline))).as_mut().poll(cx),
        }
    }
}

impl Hears {
    /// After these bytes.
    fn after(mut self, bytes: &[u8]) -> Self {
        let mut rest = bytes;
        while let Some((&byte, others)) = rest.split_first() {
            (self, rest) = match (self, byte) {
                (Self::Us, _) => return Self::Us,
                (Self::Nothing | Self::Blanks, b'\r' | b'\n') => (Self::Blanks, others),
                (Self::LineEnd | Self::BlankLine, b'\n') => (Self::Us, others),
                (Self::LineEnd, b'\r') => (Self::BlankLine, others),
                _ => match memchr::memchr(b'\n', rest) {
                    Some(at) => (Self::LineEnd, &rest[at + 1..]),
                    None => return Self::Line,
                },
            };
        }
        self
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Punctual<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        if let Poll::Ready(outcome) = Pin::new(&mut this.io).poll_read(cx, buffer) {
            this.hear(&buffer.filled()[before..]);
            return Poll::Ready(outcome);
        }
        // To actix it looks as if the client had nothing more to say.
        this.wait(cx).map(Ok)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Punctual<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.io).poll_write(cx, bytes));
        if written.is_ok() {
            this.answered(bytes);
        }
        Poll::Ready(written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_with_a_blank_line_however_it_is_cut_up() {
        let head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        for at in 1..head.len() {
            let (first, second) = head.split_at(at);
            let begun = Hears::Nothing.after(first.as_bytes());
            assert!(!matches!(begun, Hears::Us | Hears::Nothing), "{first:?}: {begun:?}");
            assert_eq!(begun.after(second.as_bytes()), Hears::Us, "{first:?}");
        }
        assert_eq!(Hears::Nothing.after(b"GET / HTTP/1.1\nHost: a\n\nbody"), Hears::Us);
    }

    #[test]
    fn blank_lines_before_a_head_do_not_end_it() {
        let begun = Hears::Nothing.after(b"\r\n\r\n\r\nGET / HTTP/1.1\r\n");
        assert_eq!(begun, Hears::LineEnd);
        assert_eq!(Hears::Blanks.after(b"\r\n\r\n"), Hears::Blanks);
    }
}
