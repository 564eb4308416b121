//! QR pictures, as SVG.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around it (ISO/IEC 18004 9.1).
const QUIET: i32 = 4;

/// A text as a QR picture, dark on light whatever the page's colours are: phones read no other.
/// `None` when it is too long.
pub fn picture(text: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let whole = code.size() + 2 * QUIET;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            let _ = write!(path, "M{} {}h1v1h-1z", x + QUIET, y + QUIET);
        }
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {whole} {whole}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{whole}v{whole}H0z\"/>\
         <path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_its_frame_and_its_three_eyes() {
        let svg = picture("https://id.steppe.example/device?user_code=WDJB-MJHT").unwrap();
        let size: i32 = svg
            .split("viewBox=\"0 0 ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next())
            .and_then(|size| size.parse().ok())
            .unwrap();
        assert_eq!((size - 2 * QUIET - 17) % 4, 0, "ISO/IEC 18004: 17 + 4 n");
        // Each eye has a dark corner, and a light ring inside it.
        let last = size - QUIET - 1;
        for (x, y) in [(QUIET, QUIET), (last, QUIET), (QUIET, last)] {
            assert!(svg.contains(&format!("M{x} {y}h1v1h-1z")), "{x} {y}");
        }
        let ring = QUIET + 1;
        assert!(!svg.contains(&format!("M{ring} {ring}h1v1h-1z")));
        assert!(!svg.contains("M3 "), "the frame stays light");
        assert_eq!(picture(&"a".repeat(4000)), None);
    }
}
