//! Values of a specification with their JSON paths.

use camino::Utf8PathBuf;

use crate::rootfs::BadConfig;
use crate::rootfs::config::Value;

/// A value, and its JSON path.
#[derive(Clone, Debug)]
pub(crate) struct At<'a> {
    pub(crate) path: String,
    pub(crate) value: &'a Value,
}

impl<'a> At<'a> {
    pub(crate) fn bad(&self, reason: impl AsRef<str>) -> BadConfig {
        BadConfig::new(&self.path, reason)
    }

    fn expected(&self, what: &str) -> BadConfig {
        self.bad(format!("expected {what}, found {}", self.value.kind()))
    }

    /// A text that the kernel can read to its end.
    pub(crate) fn text(&self) -> Result<&'a str, BadConfig> {
        let Value::Text(text) = self.value else { return Err(self.expected("a text")) };
        if text.contains('\0') {
            return Err(self.bad("it has a NUL, which ends a text for the kernel"));
        }
        Ok(text)
    }

    /// A text that is not empty.
    pub(crate) fn name(&self) -> Result<&'a str, BadConfig> {
        match self.text()? {
            "" => Err(self.bad("it is empty")),
            text => Ok(text),
        }
    }

    /// A path in the container.
    pub(crate) fn inner_path(&self) -> Result<Utf8PathBuf, BadConfig> {
        let text = self.name()?;
        if !text.starts_with('/') {
            return Err(self.bad(format!("{text:?} is not an absolute path in the container")));
        }
        if text.len() >= PATH_MAX {
            return Err(self.bad(format!("it has {} bytes, and a path at most {}", text.len(), PATH_MAX - 1)));
        }
        Ok(text.into())
    }

    pub(crate) fn bool(&self) -> Result<bool, BadConfig> {
        if let Value::Bool(value) = self.value { Ok(*value) } else { Err(self.expected("true or false")) }
    }

    /// A number of 32 bits, at most `most`.
    pub(crate) fn number(&self, most: u32) -> Result<u32, BadConfig> {
        let Value::Integer(number) = self.value else { return Err(self.expected("an integer")) };
        let number = u32::try_from(*number).ok().filter(|number| *number <= most);
        number.ok_or_else(|| self.bad(format!("the number is not in 0..={most}")))
    }

    pub(crate) fn list(&self) -> Result<Vec<At<'a>>, BadConfig> {
        let Value::List(entries) = self.value else { return Err(self.expected("a list")) };
        let entries = entries.iter().enumerate();
        Ok(entries.map(|(index, value)| At { path: format!("{}[{index}]", self.path), value }).collect())
    }

    pub(crate) fn fields(&self) -> Result<Fields<'a>, BadConfig> {
        let Value::Object(entries) = self.value else { return Err(self.expected("an object")) };
        Ok(Fields {
            path: self.path.clone(),
            left: entries.iter().map(|(name, value)| (name.as_str(), value)).collect(),
        })
    }
}

/// The length that no path of a system call reaches.
const PATH_MAX: usize = 4096;

/// The fields of an object that nothing has read yet.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    path: String,
    left: Vec<(&'a str, &'a Value)>,
}

impl<'a> Fields<'a> {
    /// The path of a field.
    pub(crate) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Takes a field out. `null` counts as absent.
    pub(crate) fn take(&mut self, name: &str) -> Option<At<'a>> {
        let index = self.left.iter().position(|(other, _)| *other == name)?;
        let (_, value) = self.left.remove(index);
        (!matches!(value, Value::Null)).then(|| At { path: self.path_of(name), value })
    }

    /// Takes a field out that has to be there.
    pub(crate) fn required(&mut self, name: &str) -> Result<At<'a>, BadConfig> {
        let path = self.path_of(name);
        self.take(name).ok_or_else(|| BadConfig::new(path, "it is missing"))
    }

    /// Takes a list out, empty where it is absent.
    pub(crate) fn list(&mut self, name: &str) -> Result<Vec<At<'a>>, BadConfig> {
        self.take(name).map_or_else(|| Ok(Vec::new()), |list| list.list())
    }

    /// Refuses a field that nothing has read.
    pub(crate) fn nothing_left(self) -> Result<(), BadConfig> {
        match self.left.first() {
            Some((name, _)) => Err(BadConfig::new(self.path_of(name), "the field is unknown")),
            None => Ok(()),
        }
    }

    /// The names that nothing has read. A name that is one of `ours` in other letters is refused: runtimes in Go read it as
    /// that field.
    pub(crate) fn others(&self, ours: &[&str]) -> Result<Vec<String>, BadConfig> {
        for (name, _) in &self.left {
            if let Some(own) = ours.iter().find(|own| own.eq_ignore_ascii_case(name)) {
                return Err(BadConfig::new(self.path_of(name), format!("the field is unknown; its name is {own:?}")));
            }
        }
        Ok(self.left.iter().map(|(name, _)| self.path_of(name)).collect())
    }
}
