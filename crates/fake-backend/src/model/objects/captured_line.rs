//! Lines of a captured mountinfo that the model would print otherwise.

/// The columns of a line after its numbers: root, mount point, attributes, optional fields, type, source, options.
const COLUMNS: usize = 7;
const ATTRIBUTES: usize = 2;
const OPTIONAL_FIELDS: usize = 3;

const KNOWN_ATTRIBUTES: [&[u8]; 10] =
    [b"rw", b"ro", b"nosuid", b"nodev", b"noexec", b"noatime", b"nodiratime", b"relatime", b"nosymfollow", b"idmapped"];
const KNOWN_FIELDS: [&[u8]; 4] = [b"shared", b"master", b"propagate_from", b"unbindable"];

/// The columns of a captured line that differ from the model's. A column is printed as it was captured while the model's own
/// text is what it was then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CapturedLine {
    columns: [Option<Column>; COLUMNS],
    /// Attributes that the model does not know, each after a comma.
    attributes: Box<[u8]>,
    /// Optional fields that the model does not know, each after a blank.
    fields: Box<[u8]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    model: Box<[u8]>,
    captured: Box<[u8]>,
}

impl CapturedLine {
    /// The differences between the model's line and the captured one. `None`: there are none, or the numbers differ too.
    pub(crate) fn new(model: &[u8], captured: &[u8]) -> Option<Self> {
        let ((numbers, ours), (their_numbers, theirs)) = (split(model)?, split(captured)?);
        if model == captured || numbers != their_numbers {
            return None;
        }
        let column = |index: usize| {
            let (model, captured): (Box<[u8]>, Box<[u8]>) = (ours[index].into(), theirs[index].into());
            (model != captured).then_some(Column { model, captured })
        };
        Some(Self {
            columns: std::array::from_fn(column),
            attributes: unknown(theirs[ATTRIBUTES], b',', |word| KNOWN_ATTRIBUTES.contains(&word)),
            fields: unknown(theirs[OPTIONAL_FIELDS], b' ', |field| {
                let name = field.split(|&byte| byte == b':').next().unwrap_or(field);
                KNOWN_FIELDS.contains(&name)
            }),
        })
    }

    /// True where the line says things about the mount that the model does not know.
    pub(crate) fn has_unknown_words(&self) -> bool {
        !self.attributes.is_empty() || !self.fields.is_empty()
    }

    /// The line for a mount whose line by the model is this.
    pub(crate) fn line(&self, model: &[u8]) -> Vec<u8> {
        let Some((numbers, ours)) = split(model) else { return model.to_vec() };
        let mut line = numbers.to_vec();
        for (index, (ours, column)) in ours.into_iter().zip(&self.columns).enumerate() {
            let kept = column.as_ref().filter(|column| *column.model == *ours).map(|column| &*column.captured);
            let added = match index {
                ATTRIBUTES => &self.attributes,
                OPTIONAL_FIELDS => &self.fields,
                _ => &Box::default(),
            };
            let own = [ours, added].concat();
            let text = kept.unwrap_or(&own);
            // The optional fields begin with their blank, and may be none.
            if index != OPTIONAL_FIELDS {
                line.push(b' ');
            }
            line.extend_from_slice(text);
            if index == OPTIONAL_FIELDS {
                line.extend_from_slice(b" -");
            }
        }
        line
    }
}

fn unknown(text: &[u8], separator: u8, is_known: impl Fn(&[u8]) -> bool) -> Box<[u8]> {
    let words = text.split(|&byte| byte == separator).filter(|word| !word.is_empty() && !is_known(word));
    words.flat_map(|word| std::iter::once(separator).chain(word.iter().copied())).collect()
}

/// The numbers of a line, and its columns. The optional fields have their blanks before them.
fn split(line: &[u8]) -> Option<(&[u8], [&[u8]; COLUMNS])> {
    let blank = |from: usize| line[from..].iter().position(|&byte| byte == b' ').map(|at| from + at);
    let ids = blank(blank(blank(0)? + 1)? + 1)?;
    let root = blank(ids + 1)?;
    let mount_point = blank(root + 1)?;
    let attributes = blank(mount_point + 1)?;
    let dash = line[attributes..].windows(3).position(|three| three == b" - ")? + attributes;
    let fs_type = blank(dash + 3)?;
    let source = blank(fs_type + 1)?;
    let columns = [
        &line[ids + 1..root],
        &line[root + 1..mount_point],
        &line[mount_point + 1..attributes],
        &line[attributes..dash],
        &line[dash + 3..fs_type],
        &line[fs_type + 1..source],
        &line[source + 1..],
    ];
    Some((&line[..ids], columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &[u8] = b"4 1 0:5 / /a rw,nosuid shared:1 master:2 - t /s rw,x";

    #[test]
    fn a_captured_line_comes_back_while_the_model_says_the_same() {
        for captured in [
            &b"4 1 0:5 / /a rw,nosuid,new shared:1 master:2 - t /s rw,x"[..],
            b"4 1 0:5 / /a nosuid,rw master:2 shared:1 new:7 - t /s rw,x",
            b"4 1 0:5 net:[1] /\\141 rw,nosuid shared:1 master:2 propagate_from:9 - t \\057s rw,y",
            b"4 1 0:5 / /a rw,nosuid - t  rw",
        ] {
            let line = CapturedLine::new(MODEL, captured).unwrap();
            assert_eq!(String::from_utf8_lossy(&line.line(MODEL)), String::from_utf8_lossy(captured));
        }
        assert_eq!(CapturedLine::new(MODEL, MODEL), None);
        assert_eq!(CapturedLine::new(MODEL, b"5 1 0:5 / /a rw - t s rw"), None);
    }

    #[test]
    fn a_change_of_a_column_shows_and_unknown_words_stay() {
        let captured = b"4 1 0:5 / /a nosuid,new,rw master:2 new:7 shared:1 - t /s rw,y";
        let line = CapturedLine::new(MODEL, captured).unwrap();
        assert!(line.has_unknown_words());
        let changed = line.line(b"4 1 0:5 / /b ro,nosuid - t /s rw,x");
        assert_eq!(String::from_utf8_lossy(&changed), "4 1 0:5 / /b ro,nosuid,new new:7 - t /s rw,y");
    }
}
