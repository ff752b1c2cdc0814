//! QR codes of pairing texts: as PNG for events and APIs, as SVG for pages. Pure.

use qrcode::{Color, EcLevel, QrCode};

/// Pixels of one module, and the quiet zone around the code in modules.
const SCALE: usize = 6;
const QUIET: usize = 4;

/// A PNG, black on white; none for a text that no QR code can hold (about 2,900 bytes).
pub fn png(text: &str) -> Option<Vec<u8>> {
    let (side, dark) = modules(text)?;
    let pixels = (side + 2 * QUIET) * SCALE;
    let mut rows = Vec::with_capacity(pixels * pixels);
    for y in 0..pixels {
        for x in 0..pixels {
            let inside = |at: usize| (at / SCALE).checked_sub(QUIET).filter(|at| *at < side);
            let is_dark = inside(y).zip(inside(x)).is_some_and(|(y, x)| dark[y * side + x]);
            rows.push(if is_dark { 0 } else { 255 });
        }
    }
    let width = u32::try_from(pixels).ok()?;
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, width);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().ok()?.write_image_data(&rows).ok()?;
    Some(out)
}

/// An SVG of one path that scales with its place; none as for [`png`].
pub fn svg(text: &str) -> Option<String> {
    let (side, dark) = modules(text)?;
    let full = side + 2 * QUIET;
    let mut path = String::new();
    for (at, _) in dark.iter().enumerate().filter(|(_, dark)| **dark) {
        path.push_str(&format!("M{} {}h1v1h-1z", at % side + QUIET, at / side + QUIET));
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {full} {full}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{full}v{full}H0z\"/><path d=\"{path}\"/></svg>"
    ))
}

/// The side in modules, and each module row by row.
fn modules(text: &str) -> Option<(usize, Vec<bool>)> {
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M).ok()?;
    let dark = code.to_colors().into_iter().map(|color| color == Color::Dark).collect();
    Some((code.width(), dark))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "2@k3J9xQ0f,Zm9vYmFy,cXV4,1";

    #[test]
    fn a_png_shows_the_modules_with_a_quiet_zone() {
        let (side, dark) = modules(TEXT).expect("a code");
        let bytes = png(TEXT).expect("a picture");
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a header");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut pixels).expect("a picture");
        let full = (side + 2 * QUIET) * SCALE;
        assert_eq!((info.width as usize, info.height as usize), (full, full));
        for y in 0..side {
            for x in 0..side {
                let pixel = pixels[(y + QUIET) * SCALE * full + (x + QUIET) * SCALE];
                assert_eq!(pixel == 0, dark[y * side + x], "{x} {y}");
            }
        }
        assert!(pixels[..QUIET * SCALE * full].iter().all(|p| *p == 255), "the quiet zone is quiet");
        // The three corners that a phone looks for: seven dark modules in a row.
        assert!((0..7).all(|x| dark[x]) && !dark[7]);
    }

    #[test]
    fn an_svg_has_a_square_for_each_dark_module_and_long_texts_have_none() {
        let (_, dark) = modules(TEXT).expect("a code");
        let picture = svg(TEXT).expect("a picture");
        assert_eq!(picture.matches("h1v1h-1z").count(), dark.iter().filter(|d| **d).count());
        assert!(png(&"x".repeat(4000)).is_none() && svg(&"x".repeat(4000)).is_none());
    }
}
