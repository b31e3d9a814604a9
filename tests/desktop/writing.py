"""Maya writes, changes and takes back; what waits is sent once, what is refused is hers to decide."""

import screen
from desk import ServerAgain

LIKED = "👍"


def run(at):
    """Sent, changed, answered, reacted to and taken back"""
    at.open_conversation("Sam Rivera", "Algebra II")
    at.send("Sam Rivera", "Tray number seven")
    at.check("what Maya writes reaches the robot", at.reader.wait("received", 20, text="Tray number seven"))
    sent = at.sam.message(at.with_sam, "Tray number seven")
    changed(at, sent)
    answered(at)
    reacted(at, sent)
    taken_back(at)
    another = at.robot("sam-elsewhere", "recv", "--from", at.with_sam)
    another.wait("received", 30, text="Yes, on page twelve")
    texts = [one["text"] for one in another.events("received")]
    at.check("another device of Sam's gets the words as they are now", texts.count("Try number seven") == 1)
    at.check("and neither the old ones nor what was taken back", not {"Tray number seven", "Never mind"} & set(texts))


def changed(at, sent):
    at.pick("Tray number seven", "Edit")
    screen.until("the words are in the box", 10, lambda: at.find("Change your message"), 0.1)
    screen.press("ctrl+a")
    screen.write("Try number seven")
    screen.press("Return")
    now = at.within("Sam has the new words", 10, lambda: at.sam.message(at.with_sam, "Try number seven"))
    at.check("of the same message, which says that it was changed", now["id"] == sent["id"] and "edited_at" in now)
    at.press("edited", at.last)
    at.within("the trace shows what it said before", 10, lambda: at.says("Earlier wordings") and at.says("Tray number seven"))
    at.picture("trace")
    at.press("Close", at.last)
    screen.until("the trace is closed", 10, lambda: not at.says("Earlier wordings"))


def answered(at):
    at.writer.say("Is it the one with the roots?")
    question = screen.until("Sam has asked", 20, lambda: at.sam.message(at.with_sam, "Is it the one with the roots?"))
    at.pick("Is it the one with the roots?", "Reply")
    screen.until("what is answered stands above the box", 10, lambda: at.find("Answer nothing"), 0.1)
    at.picture("replying")
    at.send("Sam Rivera", "Yes, on page twelve")
    answer = at.within("the answer arrives", 10, lambda: at.sam.message(at.with_sam, "Yes, on page twelve"))
    at.check("and names what it answers", answer.get("reply_to") == question["id"])
    at.within(
        "the quote leads to the question",
        10,
        lambda: at.find(lambda name: name.startswith("Answers Sam Rivera:") and "roots" in name),
    )


def reacted(at, sent):
    question = at.sam.message(at.with_sam, "Is it the one with the roots?")
    at.pick("Is it the one with the roots?", "React")
    at.press(f"React with {LIKED}")

    def given():
        return [one["emoji"] for one in at.sam.message(at.with_sam, question["content"]["text"]).get("reactions", [])]

    at.within("Maya's emoji reaches Sam", 10, lambda: given() == [LIKED])
    at.sam.ask("message:react", {"conversation": at.with_sam, "message": sent["id"], "emoji": "🎉", "on": True})
    at.within("Sam's stands under her message, with his name", 10, lambda: at.find("🎉 1: Sam Rivera"))
    at.picture("conversation")


def taken_back(at):
    at.send("Sam Rivera", "Never mind")
    gone = screen.until("Sam has it", 20, lambda: at.sam.message(at.with_sam, "Never mind"))
    at.pick("Never mind", "Delete")
    at.within("it is asked before a message is deleted", 10, lambda: at.says("Delete this message?"))
    at.picture("delete")
    at.press("Delete", at.last)
    at.within("the page says that it was", 10, lambda: at.says("This message was deleted"))

    def only_its_place():
        return [one["content"] for one in at.sam.messages(at.with_sam) if one["id"] == gone["id"]] == [{"type": "deleted"}]

    at.within("Sam has only its place left", 10, only_its_place)


def waiting(at):
    """While the server is stopped, and after"""
    at.server.end()
    words = ["First while it is away", "Second while it is away"]
    for each in words:
        at.send("Sam Rivera", each)
    at.within("what waits is counted", 15, lambda: at.says("2 messages waiting to be sent"))
    at.within("each says so of itself", 10, lambda: at.find("Waiting to be sent"))
    at.picture("waiting")
    at.server = at.begin(ServerAgain(at.server, at.bin, at.folder))
    for each in words:
        at.check(f"with the server back the robot receives '{each}'", at.reader.wait("received", 60, text=each))
    at.within("nothing is said to wait anymore", 15, lambda: not at.says("waiting to be sent"))
    got = [one["text"] for one in at.reader.events("received") if one["text"] in words]
    at.check("in their order, each once", got == words and [text for text in at.sam.texts(at.with_sam) if text in words] == words)


def refused(at):
    """Noor blocks Maya while her line is cut: what waited is refused, tried again, or discarded"""
    at.open_conversation("Noor Haddad")
    at.line.cut()
    at.within("a cut line is noticed", 20, lambda: at.says("econnecting") or at.says("onnecting…"))
    for words in ("Thursday at four", "Or at five"):
        at.send("Noor Haddad", words)
    at.noor.rest("PUT", f"/v1/blocks/{maya(at)}")
    at.line.mend()
    # By itself, half a minute after the last try at most. (A button that tries now goes away when it does: a click on it
    # may come too late, and meet what has moved there.)
    screen.until("the app is connected", 60, lambda: not at.says("onnecting…") and not at.find("Try now"))

    def buttons(name):
        return list(at.access.all(at.app.NAME, name))

    at.within("both are refused, and say why", 20, lambda: len(buttons("Discard")) == 2 and at.says("cannot be reached"))
    at.picture("refused")
    at.check("Noor has none of them", not {"Thursday at four", "Or at five"} & set(at.noor.texts(at.with_noor)))
    at.noor.rest("DELETE", f"/v1/blocks/{maya(at)}")
    at.press("Discard", at.last)
    at.within("one is discarded", 10, lambda: len(buttons("Discard")) == 1 and not at.says("Or at five"))
    at.press("Try again", at.last)
    at.within("the other is tried again and arrives", 20, lambda: at.noor.texts(at.with_noor).count("Thursday at four") == 1)
    at.within("and nothing is refused anymore", 10, lambda: not buttons("Discard"))
    at.check("what was discarded never does", "Or at five" not in at.noor.texts(at.with_noor))


def maya(at):
    return at.ask("SELECT id FROM person WHERE email = 'maya@demo.example'")[0][0]
