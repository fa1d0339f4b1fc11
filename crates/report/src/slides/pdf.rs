//! Slides as PDF.

use krilla::Document;
use krilla::geom::Size;
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla_svg::{SurfaceExt, SvgSettings};

use super::Slides;
use crate::ReportError;

/// Points (1/72 inch) in a pixel.
const POINTS: f64 = 0.75;

impl Slides {
    /// The slides as one PDF of 13⅓ by 7½ inches: shapes and text, with its fonts inside. The same run gives the same bytes.
    ///
    /// # Errors
    /// [`ReportError::Drawing`] if a page cannot be drawn.
    pub fn to_pdf(&self) -> Result<Vec<u8>, ReportError> {
        let mut document = Document::new();
        for page in &self.pages {
            let failed = || ReportError::Drawing(format!("the slide `{}`", page.title));
            let [width, height] = [page.width, page.height].map(|length| (length * POINTS) as f32);
            let size = Size::from_wh(width, height).ok_or_else(failed)?;
            let tree = page.tree()?;
            let mut sheet = document.start_page_with(PageSettings::new(size));
            let mut surface = sheet.surface();
            surface.draw_svg(&tree, size, SvgSettings::default()).ok_or_else(failed)?;
            surface.finish();
            sheet.finish();
        }
        let creator = format!("Stimmung {}", env!("CARGO_PKG_VERSION"));
        document.set_metadata(Metadata::new().title(self.title.clone()).creator(creator).language("en".into()));
        document.finish().map_err(|error| ReportError::Drawing(format!("the slides: {error:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::run::tests::RUN;

    #[test]
    fn the_document_has_eight_pages_with_its_fonts() {
        let slides = Slides::new(&RUN).unwrap();
        let pdf = slides.to_pdf().unwrap();
        assert_eq!(pdf, slides.to_pdf().unwrap());
        let text = String::from_utf8_lossy(&pdf);
        assert!(text.starts_with("%PDF-") && text.contains("/Count 8"));
        assert!(text.contains("NotoSans") && text.contains("/MediaBox[0 0 960 540]"), "{}", text.len());
    }
}
