//! JSON strings as RFC 8785, section 3.2.2.2, writes them.

/// Writes `text` in quotes, escaping only what JSON requires.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    // Whole runs are copied at once: hardly any text needs escapes.
    while let Some(at) = rest.iter().position(|&b| needs_escape(b)) {
        let (plain, from) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((&byte, tail)) = from.split_first() else { break };
        write_escape(out, byte);
        rest = tail;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

const fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        b'"' | b'\\' => byte,
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(hex::encode([byte]).as_bytes());
            return;
        }
    };
    out.extend([b'\\', short]);
}
