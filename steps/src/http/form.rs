//! Forms: what `form NAME` and `file NAME` places make of a request's body.

use momus_engine::failure::{Failure, StepError};
use momus_engine::world::World;

use crate::selection::build::Field;

/// The media type of a form without files.
pub(super) const URL_ENCODED: &str = "application/x-www-form-urlencoded";
/// The media type of a form with files, to which the boundary is added.
pub(super) const MULTIPART: &str = "multipart/form-data";

/// The fields as names and values (URL Standard, section 5).
pub(super) fn url_encoded(fields: &[(String, Field)]) -> Vec<u8> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, field) in fields {
        if let Field::Text(text) = field {
            form.append_pair(name, text);
        }
    }
    form.finish().into_bytes()
}

/// The fields as parts, each file with its name and media type (RFC 7578): the body, and its boundary.
///
/// # Errors
/// When a file is not there or cannot be read.
pub(super) fn multipart(world: &mut World, fields: &[(String, Field)]) -> Result<(Vec<u8>, String), StepError> {
    let boundary = format!("momus-{}", world.values.draws().uuid());
    let mut body = Vec::new();
    for (name, field) in fields {
        body.extend(
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"",
                quoted(name)
            )
            .bytes(),
        );
        match field {
            Field::Text(text) => body.extend(format!("\r\n\r\n{text}").bytes()),
            Field::File(file) => {
                let path = world.files.find(file).map_err(Failure::failed)?;
                let content = std::fs::read(&path);
                let content = content.map_err(|error| Failure::failed(format!("{file} cannot be read: {error}")))?;
                let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or(file);
                let media_type = mime_guess::from_path(file_name).first_or_octet_stream();
                let file_name = quoted(file_name);
                body.extend(format!("; filename=\"{file_name}\"\r\nContent-Type: {media_type}\r\n\r\n").bytes());
                body.extend(content);
            }
        }
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").bytes());
    Ok((body, boundary))
}

/// A name within quotes, as browsers write it (HTML Standard, section 4.10.21.8).
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use momus_engine::files::Files;

    use crate::http::testing::shop;
    use crate::testing::{plan, table};

    #[tokio::test]
    async fn form_places_make_a_form() {
        let (mut scenario, seen) = shop().await;
        let rows = [
            ["form user name", "Ada & co"],
            ["form amount", "12.50"],
            ["form tag", "a"],
            ["form tag", "é"],
            ["header x", "1"],
        ];
        scenario.passes(r#"I send POST "/orders" to shop"#, table(&rows)).await;
        let seen = seen.lock().expect("nobody panicked");
        assert_eq!(seen[0].body, "user+name=Ada+%26+co&amount=12.50&tag=a&tag=%C3%A9");
        assert_eq!(seen[0].header("content-type"), "application/x-www-form-urlencoded");
    }

    #[tokio::test]
    async fn files_beside_the_feature_are_sent() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("order \"1\".csv"), "sku,count\r\na,1\r\n").expect("it is written");
        let (mut scenario, seen) = shop().await;
        let feature = folder.path().join("a.feature");
        scenario.world.files = Files::of(feature.to_str().expect("it is text"), [].iter());
        let rows = [["form title", "an order"], ["file orders", "order \"1\".csv"]];
        scenario.passes(r#"I send POST "/imports" to shop"#, table(&rows)).await;
        let rows = [["header content-type", "multipart/form-data"], ["form title", "x"]];
        scenario.passes(r#"I send POST "/imports" to shop"#, table(&rows)).await;
        let gone = table(&[["file orders", "order \"2\".csv"]]);
        let failure = scenario.fails(r#"I send POST "/imports" to shop"#, gone).await;
        let folder = folder.path().to_str().expect("it is text");
        insta::assert_snapshot!(failure.replace(folder, "…"), @r#"
        Failed: there is no file `order "2".csv` beside …/a.feature
        hint: did you mean `order "1".csv`?
        "#);
        let seen = seen.lock().expect("nobody panicked");
        let all: Vec<String> = seen
            .iter()
            .map(|seen| {
                let media_type = seen.header("content-type");
                let (_, boundary) = media_type.split_once("; boundary=").expect("it has a boundary");
                let told = format!("{media_type}\n{}", seen.body.replace("\r\n", "\n"));
                told.replace(boundary, "BOUNDARY")
            })
            .collect();
        insta::assert_snapshot!(all.join("\n"), @r#"
        multipart/form-data; boundary=BOUNDARY
        --BOUNDARY
        Content-Disposition: form-data; name="title"

        an order
        --BOUNDARY
        Content-Disposition: form-data; name="orders"; filename="order %221%22.csv"
        Content-Type: text/csv

        sku,count
        a,1

        --BOUNDARY--

        multipart/form-data; boundary=BOUNDARY
        --BOUNDARY
        Content-Disposition: form-data; name="title"

        x
        --BOUNDARY--
        "#);
    }

    #[test]
    fn what_makes_no_body_is_told_while_planning() {
        let errors = plan(
            r#"    * I send POST "/orders" to shop
      | $.id | 1 |
      | form amount | 2 |
    * I send POST "/orders" to shop
      | file photo | a.png |
      | $.id | 1 |
    * I send POST "/orders" to shop
      | file photo | a.png |
      | header Content-Type | text/plain |
    * I send POST "/orders" to shop
      | form | 1 |"#,
        );
        insta::assert_snapshot!(errors.unwrap_err(), @r"
        5:9 | | form amount | 2 |
        a body is either a form or JSON
        hint: `$…` places make JSON, `form NAME` and `file NAME` a form
        8:9 | | $.id | 1 |
        a body is either a form or JSON
        hint: `$…` places make JSON, `form NAME` and `file NAME` a form
        11:31 | | header Content-Type | text/plain |
        a form with a file is multipart/form-data
        hint: leave its content-type out
        13:9 | | form | 1 |
        a request has no place `form`
        hint: a member of its JSON is `$.form`; a request has `$…`, `header NAME`, `query NAME`, `form NAME`, `file NAME`, `cookie NAME`
        ");
    }
}
