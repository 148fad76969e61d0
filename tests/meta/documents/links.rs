//! Links from one page to another file of the project.

use crate::page::Page;

/// `page:line: target` for each link that leads to nothing. Links out of the project are not followed.
pub(crate) fn broken(page: &Page) -> Vec<String> {
    let mut broken = Vec::new();
    for (index, line) in page.text.lines().enumerate() {
        let inline = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let defined = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
        for target in inline.chain(defined) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") && !page.folder.join(file).exists() {
                broken.push(format!("{}:{}: {target}", page.name, index + 1));
            }
        }
    }
    broken
}
