//! What of SETTINGS matters to whoever reads header blocks (RFC 9113, section 6.5).

/// `SETTINGS_HEADER_TABLE_SIZE`
const TABLE: u16 = 1;

/// The dynamic table that the settings allow the other end, if they say.
pub fn table(payload: &[u8]) -> Option<u32> {
    let (settings, _) = payload.as_chunks::<6>();
    let mut newest = settings.iter().rev();
    newest.find_map(|&[a, b, size @ ..]| (u16::from_be_bytes([a, b]) == TABLE).then_some(u32::from_be_bytes(size)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_last_size_of_the_table_holds() {
        let payload = [0, 1, 0, 0, 16, 0, 0, 4, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7, 0];
        assert_eq!(super::table(&payload), Some(7));
        assert_eq!(super::table(&payload[6..12]), None);
    }
}
