"""What is unread, links into the app, and keeping people from harm."""

import subprocess

import screen
from desk import is_message
from person import Person, Refused

NOOR, ADMIN = "noor@demo.example", "ada@demo.example"
RUDE = "You are a bad teacher"


def unread(at):
    """What is unread, in the tray and in the window's title"""

    def count():
        counted = "SELECT sum(unread) FROM membership JOIN person ON person.id = person WHERE name = 'Maya Lindqvist'"
        return at.ask(counted)[0][0]

    def in_tray(number):
        words = f"Unread messages: {number}" if number else "No unread messages"
        return any(entry["label"] == words for entry in at.tray.menu())

    before = count()
    at.within(f"the tray's menu knows what is unread ({before})", 30, lambda: in_tray(before), 0.1)
    at.writer.say("Are you there?")
    at.within("and counts what comes, without a window", 20, lambda: in_tray(before + 1), 0.1)
    at.open_window()
    at.within("so does the window's title", 15, lambda: at.title().startswith(f"({before + 1}) "), 0.1)
    at.picture("start")
    for name in ("Sam Rivera", "Lin Zhao", "Noor Haddad"):
        at.open_conversation(name)
    quiet = "Noor Haddad – InstantMentor"
    at.within("with everything read, title and tray say so", 20, lambda: in_tray(0) and at.title() == quiet)
    at.check("and the server knows", count() == 0)


def links(at):
    """A link is followed into the running app"""
    at.press("Settings")
    screen.until("the settings", 10, lambda: at.title() == "Settings – InstantMentor")
    follow(at, at.with_lin)
    at.within("a link opens its conversation in the running app", 15, lambda: at.title() == "Lin Zhao – InstantMentor")
    at.app.close_window()
    follow(at, at.with_noor)
    at.within("also out of the tray", 20, lambda: at.find("Write to Noor Haddad"))
    at.within("with the window in front", 10, lambda: at.title() == "Noor Haddad – InstantMentor")


def follow(at, conversation):
    words = [at.bin / "instantmentor", "--data-dir", at.data, f"instantmentor://conversation/{conversation}"]
    second = subprocess.run([str(word) for word in words], capture_output=True, timeout=30)
    at.check("the second start ends at once", second.returncode == 0)


def blocking(at):
    """Maya reports what Noor wrote, and blocks her"""
    at.rude = at.noor.send(at.with_noor, RUDE)
    at.open_conversation("Noor Haddad")
    at.pick(RUDE, "Report…")
    at.within("a report shows what it is about", 10, lambda: at.says("Report this message?"))
    at.picture("report")
    at.press("Report", at.last)
    at.within("it is taken", 10, lambda: at.says("Those who run this place will look at it."))
    at.press("Close", at.last)
    at.check("with the words as the server has them", at.ask("SELECT message, words FROM report") == [(at.rude, RUDE)])
    at.press("Block or report Noor Haddad")
    at.press(lambda name: name.strip() == "Block Noor Haddad…", at.last)
    at.within("it is said what blocking does", 10, lambda: at.says("Nothing goes either way"))
    at.press("Block", at.last)
    at.within("blocked, there is nowhere to write to her", 10, lambda: not at.find("Write to Noor Haddad"))
    at.picture("blocked")
    told = refusal(lambda: at.noor.send(at.with_noor, "Hello?"))
    at.check("Noor reaches Maya no more, and is not told why", told == "unreachable")
    at.press("Block or report Noor Haddad")
    at.press(lambda name: name.strip() == "Unblock Noor Haddad", at.last)
    at.within("unblocked, Maya can write", 10, lambda: at.find("Write to Noor Haddad"))
    at.noor.send(at.with_noor, "Sorry for that")
    at.within("and Noor too", 15, lambda: at.find(lambda name: is_message(name, "Sorry for that")))


def refusal(act):
    """The code of the protocol with which the server refuses it; none where it does not."""
    try:
        act()
    except Refused as refused:
        return refused.code
    return None


def as_admin(at):
    """Ada removes what was reported, and suspends who wrote it"""
    at.quit_app()
    at.start("ada", ADMIN)
    at.open_window()
    at.press("Moderation")
    at.within("what was reported is listed", 15, lambda: at.says(RUDE) and at.says("by Maya Lindqvist"))
    at.picture("moderation")
    because(at, "Remove message", "Not how we talk")

    def left():
        return [one["content"]["type"] for one in at.noor.messages(at.with_noor) if one["id"] == at.rude]

    at.within("a message is removed", 15, lambda: left() == ["deleted"])
    because(at, "Suspend", "A week of rest", picture="because")
    at.within("somebody is suspended", 15, lambda: refusal(lambda: Person(at.server.url, NOOR)) == "suspended")
    at.check("not with what she had either", refusal(lambda: at.noor.rest("GET", "/v1/me")) == "session_revoked")
    at.within("what was done is listed", 10, lambda: at.says("Ada Berg: removed a message – Noor Haddad"))
    done = ("Ada Berg: suspended", "Maya Lindqvist: reported", "Maya Lindqvist: blocked", "Maya Lindqvist: unblocked")
    at.check("all of it, with who did it", all(at.says(f"{words} – Noor Haddad") for words in done))
    at.check("and why", at.says("Not how we talk") and at.says("A week of rest"))
    at.there("What was done")
    at.picture("audit")
    because(at, "Let Noor Haddad in again", "Back", do="Let in again")
    at.within("and is let in again", 15, lambda: refusal(lambda: Person(at.server.url, NOOR)) is None)
    at.quit_app()


def because(at, button, why, do=None, picture=None):
    """Presses a button, gives the reason that it wants, and does it."""
    at.press(button)
    screen.until("the reason is asked for", 10, lambda: at.says("The reason is kept"))
    at.press("Why", at.last)
    screen.write(why)
    if picture:
        at.picture(picture)
    at.press(do or button, at.last)
    screen.until("it is done", 15, lambda: not at.says("The reason is kept"))
