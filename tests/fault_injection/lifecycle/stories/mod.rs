//! Every story.

mod recovering;
mod setting_up;
mod sharing;
mod taking_off;
mod volumes;

pub(crate) use recovering::recovery;
pub(crate) use setting_up::{MOUNTS, SHARED};

use crate::story::Story;

pub(crate) fn stories() -> impl Iterator<Item = Story> {
    let all = [setting_up::STORIES, sharing::STORIES, taking_off::STORIES, recovering::STORIES, volumes::STORIES];
    all.into_iter().flatten().copied()
}
