//! Server-sent event: one message of an event stream (HTML standard, section 9.2).

/// Server-sent event to be written. With the defaults it has data alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServerSentEvent<'a> {
    /// The event's type, without line ends; `message` for the reader when there is none.
    pub name: Option<&'a str>,
    /// How long a client waits before it reconnects, in milliseconds.
    pub retry_ms: Option<u32>,
    /// The payload. Line ends in it are written as spaces: JSON has them only between its tokens.
    pub data: &'a [u8],
}

impl ServerSentEvent<'_> {
    /// Returns the bytes of the event, with the empty line at the end.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.data.len() + 8);
        if let Some(milliseconds) = self.retry_ms {
            bytes.extend_from_slice(format!("retry: {milliseconds}\n").as_bytes());
        }
        if let Some(name) = self.name {
            bytes.extend_from_slice(format!("event: {name}\n").as_bytes());
        }
        bytes.extend_from_slice(b"data: ");
        let one_line = |byte: &u8| if matches!(*byte, b'\n' | b'\r') { b' ' } else { *byte };
        bytes.extend(self.data.iter().map(one_line));
        bytes.extend_from_slice(b"\n\n");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_its_fields_and_an_empty_line() {
        let plain = ServerSentEvent { data: b"{\n\"a\":1\r\n}", ..ServerSentEvent::default() };
        assert_eq!(plain.to_bytes(), b"data: { \"a\":1  }\n\n");
        let named = ServerSentEvent { name: Some("page"), retry_ms: Some(3000), data: b"7" };
        assert_eq!(named.to_bytes(), b"retry: 3000\nevent: page\ndata: 7\n\n");
    }
}
