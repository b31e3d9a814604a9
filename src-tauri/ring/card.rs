//! What stands in a ring's window: who and what about above, the answers below.

use gtk::prelude::*;

use super::icon::Icon;
use super::picture::Picture;
use super::{Ring, RingChoice};

const WIDTH: i32 = 360;

/// The widgets of a ring that change after they were made.
pub(super) struct Card {
    root: gtk::Box,
    picture: Picture,
    name: gtk::Label,
    waiting: gtk::Label,
    answers: gtk::Box,
    more: gtk::ToggleButton,
    note: gtk::Label,
}

impl Card {
    /// Lays everything out. `choose` is called by the buttons.
    pub(super) fn new(ring: &Ring, choose: impl Fn(RingChoice) + Clone + 'static) -> Self {
        let root = gtk::Box::new(gtk::Orientation::Vertical, 12);
        root.style_context().add_class("card");
        root.set_size_request(WIDTH, -1);
        let picture = Picture::new(&ring.initials, ring.colour);
        let waiting = line("", "waiting", 1);
        waiting.set_width_chars(0);
        let name = line(&ring.name, "name", 2);
        root.add(&person(ring, &picture, &name, &waiting));
        let (answers, more) = answers(ring, &choose);
        root.add(&answers);
        let note = line("", "note", 2);
        note.set_no_show_all(true);
        root.add(&note);
        root.show_all();
        Self {
            root,
            picture,
            name,
            waiting,
            answers,
            more,
            note,
        }
    }

    /// The widget to put into the window.
    pub(super) fn widget(&self) -> &gtk::Box {
        &self.root
    }

    /// Writes who calls.
    pub(super) fn set_name(&self, name: &str, initials: &str) {
        self.name.set_text(&flat(name));
        self.picture.set_initials(initials);
    }

    /// Writes how long the caller has been waiting.
    pub(super) fn set_waiting(&self, words: &str) {
        self.waiting.set_text(words);
    }

    /// Puts a sentence where the answers were, and comes to rest.
    pub(super) fn settle(&self, words: &str) {
        self.picture.rest();
        self.waiting.hide();
        self.answers.hide();
        self.note.set_text(words);
        self.note.show();
    }

    /// Folds the reasons away. Says whether they were open.
    pub(super) fn fold(&self) -> bool {
        let open = self.more.is_active();
        self.more.set_active(false);
        open
    }
}

fn person(ring: &Ring, picture: &Picture, name: &gtk::Label, waiting: &gtk::Label) -> gtk::Box {
    let row = gtk::Box::new(gtk::Orientation::Horizontal, 12);
    row.add(picture.widget());
    let words = gtk::Box::new(gtk::Orientation::Vertical, 4);
    words.set_hexpand(true);
    words.set_valign(gtk::Align::Center);
    words.add(name);
    if !ring.about.is_empty() {
        words.add(&line(&ring.about, "about", 2));
    }
    words.add(waiting);
    row.add(&words);
    row
}

/// Plain text on so many lines at most, cut off with an ellipsis.
fn line(text: &str, class: &str, lines: i32) -> gtk::Label {
    let label = gtk::Label::new(Some(&flat(text)));
    label.style_context().add_class(class);
    label.set_xalign(0.0);
    label.set_hexpand(true);
    // One character is all it asks for; it gets what the card has to give.
    label.set_max_width_chars(1);
    label.set_ellipsize(gtk::pango::EllipsizeMode::End);
    if lines > 1 {
        label.set_line_wrap(true);
        label.set_line_wrap_mode(gtk::pango::WrapMode::WordChar);
        label.set_lines(lines);
    }
    label
}

/// What somebody else wrote, without line breaks and other controls: GTK counts lines for each
/// paragraph, so that breaks in a topic would push the buttons off the screen.
fn flat(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.split(breaks)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn answers(
    ring: &Ring,
    choose: &(impl Fn(RingChoice) + Clone + 'static),
) -> (gtk::Box, gtk::ToggleButton) {
    let texts = &ring.texts;
    let all = gtk::Box::new(gtk::Orientation::Vertical, 8);
    let audio = button(Icon::Microphone, &texts.accept_audio);
    on_click(&audio, choose, RingChoice::AcceptAudio);
    let second = gtk::Box::new(gtk::Orientation::Horizontal, 8);
    second.set_homogeneous(true);
    if ring.video_offered {
        let video = button(Icon::Camera, &texts.accept_video);
        video.style_context().add_class("accept");
        on_click(&video, choose, RingChoice::AcceptVideo);
        all.add(&video);
        second.add(&audio);
    } else {
        audio.style_context().add_class("accept");
        all.add(&audio);
    }

    let decline = button(Icon::Cross, &texts.decline);
    decline.style_context().add_class("decline");
    on_click(&decline, choose, RingChoice::Decline { reason: None });
    let more = gtk::ToggleButton::new();
    let both = gtk::Box::new(gtk::Orientation::Horizontal, 0);
    decline.set_hexpand(true);
    both.add(&decline);
    second.add(&both);
    all.add(&second);
    if !texts.reasons.is_empty() {
        decline.style_context().add_class("left");
        more.add(&Icon::Chevron.widget());
        more.style_context().add_class("decline");
        more.style_context().add_class("right");
        more.set_focus_on_click(false);
        more.set_tooltip_text(Some(&texts.more_reasons));
        name(&more, &texts.more_reasons);
        both.add(&more);
        let reasons = reasons(ring, choose);
        all.add(&reasons);
        more.connect_toggled(move |more| reasons.set_visible(more.is_active()));
    }
    (all, more)
}

/// The reasons stand in the window itself: a menu of its own would take the keyboard and the
/// pointer for itself while it is open.
fn reasons(ring: &Ring, choose: &(impl Fn(RingChoice) + Clone + 'static)) -> gtk::Box {
    let list = gtk::Box::new(gtk::Orientation::Vertical, 0);
    list.style_context().add_class("reasons");
    for reason in &ring.texts.reasons {
        let label = line(&reason.words, "reason", 1);
        let button = gtk::Button::new();
        button.add(&label);
        button.set_focus_on_click(false);
        name(&button, &reason.words);
        on_click(
            &button,
            choose,
            RingChoice::Decline {
                reason: Some(reason.code.clone()),
            },
        );
        list.add(&button);
    }
    list.show_all();
    list.set_no_show_all(true);
    list.hide();
    list
}

fn button(icon: Icon, words: &str) -> gtk::Button {
    let inside = gtk::Box::new(gtk::Orientation::Horizontal, 8);
    inside.set_halign(gtk::Align::Center);
    inside.add(&icon.widget());
    let label = gtk::Label::new(Some(words));
    label.set_ellipsize(gtk::pango::EllipsizeMode::End);
    inside.add(&label);
    let button = gtk::Button::new();
    button.add(&inside);
    button.set_focus_on_click(false);
    name(&button, words);
    button
}

fn name(widget: &impl IsA<gtk::Widget>, words: &str) {
    if let Some(accessible) = widget.accessible() {
        accessible.set_name(words);
    }
}

fn on_click(
    button: &gtk::Button,
    choose: &(impl Fn(RingChoice) + Clone + 'static),
    choice: RingChoice,
) {
    let choose = choose.clone();
    button.connect_clicked(move |_| choose(choice.clone()));
}

#[cfg(test)]
mod tests {
    use super::flat;

    #[test]
    fn a_topic_of_many_lines_is_one_paragraph() {
        assert_eq!(
            flat("Lifetimes\r\n\n\nand\u{2029}traits\t?"),
            "Lifetimes and traits ?"
        );
        assert_eq!(flat("Zoë 🦀"), "Zoë 🦀");
        assert_eq!(flat("\n\n"), "");
    }
}
