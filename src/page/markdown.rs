//! Markdown of operators as HTML: their own tags and unsafe links come out as plain text.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, html};

/// Renders an agreement. Headings begin at the third level, below the page's own; HTML in the
/// text is shown, not obeyed; pictures and links that are not http, https or mailto lose their
/// address.
pub fn markdown(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(text, options).map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::Start(tag) => Event::Start(tame(tag)),
        Event::End(pulldown_cmark::TagEnd::Heading(level)) => {
            Event::End(pulldown_cmark::TagEnd::Heading(lower(level)))
        }
        other => other,
    });
    let mut out = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut out, events);
    out
}

fn tame(tag: Tag<'_>) -> Tag<'_> {
    match tag {
        Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        } => Tag::Link {
            link_type,
            dest_url: safe(dest_url),
            title,
            id,
        },
        // The pages load nothing from elsewhere: the address of a picture would tell who reads.
        Tag::Image {
            link_type,
            title,
            id,
            ..
        } => Tag::Image {
            link_type,
            dest_url: CowStr::Borrowed(""),
            title,
            id,
        },
        Tag::Heading { level, .. } => Tag::Heading {
            level: lower(level),
            id: None,
            classes: Vec::new(),
            attrs: Vec::new(),
        },
        other => other,
    }
}

fn lower(level: pulldown_cmark::HeadingLevel) -> pulldown_cmark::HeadingLevel {
    use pulldown_cmark::HeadingLevel::{H3, H4, H5, H6};
    match level as usize {
        1 => H3,
        2 => H4,
        3 => H5,
        _ => H6,
    }
}

fn safe(address: CowStr<'_>) -> CowStr<'_> {
    let lower = address.to_ascii_lowercase();
    let known = ["https://", "http://", "mailto:"]
        .iter()
        .any(|scheme| lower.starts_with(scheme));
    if known { address } else { CowStr::Borrowed("") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agreement_cannot_bring_markup_of_its_own() {
        for (text, html) in [
            ("# Terms\n", "<h3>Terms</h3>\n"),
            ("a <b>c</b>", "<p>a &lt;b&gt;c&lt;/b&gt;</p>\n"),
            ("[x](javascript:alert(1))", "<p><a href=\"\">x</a></p>\n"),
            (
                "[x](https://steppe.example/a?b=1&c)",
                "<p><a href=\"https://steppe.example/a?b=1&amp;c\">x</a></p>\n",
            ),
            // Found by fuzzing: with a space of some kind in front it would be a path of ours.
            (
                "[x](\u{3000}https://steppe.example)",
                "<p><a href=\"\">x</a></p>\n",
            ),
            (
                "[x](< https://steppe.example>)",
                "<p><a href=\"\">x</a></p>\n",
            ),
            (
                "![x](https://elsewhere.example/1.png)",
                "<p><img src=\"\" alt=\"x\" /></p>\n",
            ),
        ] {
            assert_eq!(markdown(text), html, "{text}");
        }
        let script = markdown("<script>\nalert(1)\n</script>\n");
        assert!(
            !script.contains('<') || !script.contains("<script"),
            "{script}"
        );
    }

    proptest::proptest! {
        #[test]
        fn nothing_typed_becomes_a_script(text in "[<>a-z/\"'()\\[\\]!:# \n-]{0,60}") {
            let html = markdown(&text);
            proptest::prop_assert!(!html.contains("<script") && !html.contains("javascript:\""));
        }
    }
}
