//! Every request the UI may make, in one list. Each line becomes a method of [`Commands`], an arm
//! of [`dispatch`] and a line of `ui/src/contract/commands.ts`; what is missing anywhere does not
//! compile.

use crate::{
    ErrorKind, UiError,
    args::{
        CallAcceptArgs, CallArgs, CallRejectArgs, CallStartArgs, CodeArgs, ConversationArgs,
        DeleteArgs, DraftArgs, EditArgs, EnrolArgs, ForgotArgs, InvitationArgs, LinkArgs,
        LookingAtArgs, MessageArgs, Nothing, OpenArgs, Opened, OperationArgs, PageArgs, ReactArgs,
        ReadArgs, RegisterArgs, ResetArgs, SearchArgs, SendArgs, SignInArgs, SignOutArgs,
        SignOutResult, StatusArgs, SwitchArgs, TypingArgs,
    },
    courses::{
        AddStudentArgs, AnnounceArgs, AnnouncementArgs, AnnouncementView, CourseArgs,
        CourseStudentArgs, RosterView,
    },
    devices::{ChangePasswordArgs, DeviceArgs, DeviceView},
    files::{
        AppendFileArgs, BeginFileArgs, Begun, Choosing, DropArgs, FileArgs, MessageFileArgs,
        Pasted, SavedFile,
    },
    moderation::{
        AccountsArgs, AccountsView, AssignArgs, AuditArgs, AuditPage, BlockArgs, CloseReportArgs,
        FileReportArgs, RemoveMessageArgs, ReportView, SuspendArgs,
    },
    views::{
        Account, CallProgress, Connection, ConversationRow, CourseView, Desktop, Draft, Exported,
        MessagePage, MessageRow, OwnStatus, PersonView, Ring, SearchPage, Settings, WordingView,
    },
};
use serde::Serialize;
use serde_json::Value;
#[cfg(test)]
use ts_rs::TS;

macro_rules! commands {
    ($($(#[$doc:meta])+ $name:literal $method:ident($args:ty) -> $ok:ty;)+) => {
        /// What the core must be able to do for the UI. Implemented by the core.
        pub trait Commands: Send + Sync {
            $(
                $(#[$doc])+
                fn $method(&self, args: $args)
                    -> impl Future<Output = Result<$ok, UiError>> + Send;
            )+
        }

        /// Carries out the request of this name.
        ///
        /// # Errors
        /// `invalid` where there is no such request or the arguments do not fit; else what the
        /// core answers.
        pub async fn dispatch(core: &impl Commands, name: &str, args: Value)
            -> Result<Value, UiError>
        {
            match name {
                $($name => answer(core.$method(read(args)?).await?),)+
                _ => Err(UiError::new(ErrorKind::Invalid).with("field", "name")),
            }
        }

        /// The TypeScript of the list: request names with their arguments and answers.
        #[cfg(test)]
        fn typescript() -> (std::collections::BTreeSet<String>, String) {
            let mut imports = std::collections::BTreeSet::new();
            let mut lines = String::new();
            let config = ts_rs::Config::from_env();
            $({
                let args = <$args as TS>::name(&config);
                let ok = <$ok as TS>::name(&config);
                for used in [&args, &ok] {
                    let bare = used.trim_start_matches("Array<").trim_end_matches('>');
                    imports.insert(bare.trim_end_matches(" | null").to_owned());
                }
                lines.push_str(&format!("  '{}': {{ args: {args}; ok: {ok} }};\n", $name));
            })+
            (imports, lines)
        }
    };
}

commands! {
    /// Who is signed in.
    "account.get" account_get(Nothing) -> Account;
    /// Signs in.
    "account.sign_in" account_sign_in(SignInArgs) -> Account;
    /// Registers a student and signs in.
    "account.register" account_register(RegisterArgs) -> Account;
    /// Accepts an invitation and signs in.
    "account.accept_invitation" account_accept_invitation(InvitationArgs) -> Account;
    /// Asks for a mail with a code for a new password. Answers the same whether the address has an
    /// account or not.
    "account.forgot" account_forgot(ForgotArgs) -> Nothing;
    /// Sets a new password by a code, which ends all other sessions, and signs in.
    "account.reset" account_reset(ResetArgs) -> Account;
    /// Shows by the code from the mail that the address is the person's own.
    "account.verify" account_verify(CodeArgs) -> Nothing;
    /// Asks for that mail again.
    "account.resend_code" account_resend_code(Nothing) -> Nothing;
    /// Saves everything that the server has of the person to a new file in their downloads.
    "account.export" account_export(Nothing) -> Exported;
    /// Deletes the account for good, on the server and on this device.
    "account.delete" account_delete(DeleteArgs) -> Nothing;
    /// Signs out and wipes the cache of the account.
    "account.sign_out" account_sign_out(SignOutArgs) -> SignOutResult;
    /// Chooses another password: the person's other devices have to sign in with it.
    "account.change_password" account_change_password(ChangePasswordArgs) -> Nothing;
    /// Where the person is signed in, this device first. Asked of the server each time.
    "devices.list" devices_list(Nothing) -> Vec<DeviceView>;
    /// Signs another device out: what it keeps is wiped, unsent messages included.
    "devices.sign_out" devices_sign_out(DeviceArgs) -> Nothing;
    /// Signs all other devices out, in the same way.
    "devices.sign_out_others" devices_sign_out_others(Nothing) -> Nothing;
    /// The connection's line.
    "connection.get" connection_get(Nothing) -> Connection;
    /// Tries to connect at once.
    "connection.retry" connection_retry(Nothing) -> Nothing;
    /// All conversations, newest first.
    "conversations.list" conversations_list(Nothing) -> Vec<ConversationRow>;
    /// The one conversation with a person, made where there is none.
    "conversations.open" conversations_open(OpenArgs) -> ConversationRow;
    /// The person has read so far.
    "conversations.read" conversations_read(ReadArgs) -> Nothing;
    /// The person writes, or does not anymore: told to the other while connected.
    "conversations.typing" conversations_typing(TypingArgs) -> Nothing;
    /// What the person has begun to write in a conversation.
    "conversations.draft" conversations_draft(ConversationArgs) -> Draft;
    /// Keeps what the person has begun to write, on this device.
    "conversations.keep_draft" conversations_keep_draft(DraftArgs) -> Nothing;
    /// Whom the person may talk to, by name.
    "people.list" people_list(Nothing) -> Vec<PersonView>;
    /// All mentors, for their status, by name; also those one may not write to.
    "people.mentors" people_mentors(Nothing) -> Vec<PersonView>;
    /// The person's courses, by title.
    "courses.list" courses_list(Nothing) -> Vec<CourseView>;
    /// Enrols in a course by its code.
    "courses.enrol" courses_enrol(EnrolArgs) -> CourseView;
    /// Who is in a course of the mentor's, and its code. Asked of the server each time.
    "courses.roster" courses_roster(CourseArgs) -> RosterView;
    /// Gives it another code; the one before is worth nothing.
    "courses.renew_code" courses_renew_code(CourseArgs) -> RosterView;
    /// Puts a student into it.
    "courses.add_student" courses_add_student(AddStudentArgs) -> PersonView;
    /// Takes a student out of it: what was said stays to be read.
    "courses.remove_student" courses_remove_student(CourseStudentArgs) -> Nothing;
    /// Writes to everybody in a course: on disk when this answers, and will be sent.
    "courses.announce" courses_announce(AnnounceArgs) -> Nothing;
    /// What was written to a course, newest first: unsent ones, and what the server knows of.
    "courses.announcements" courses_announcements(CourseArgs) -> Vec<AnnouncementView>;
    /// Tries again what the server refused.
    "courses.retry_announcement" courses_retry_announcement(AnnouncementArgs) -> Nothing;
    /// Throws it away.
    "courses.discard_announcement" courses_discard_announcement(AnnouncementArgs) -> Nothing;
    /// Whom the person blocks, by name. Asked of the server each time.
    "blocks.list" blocks_list(Nothing) -> Vec<PersonView>;
    /// Blocks somebody, or does not anymore.
    "blocks.set" blocks_set(BlockArgs) -> Nothing;
    /// Reports a person or one of their messages to who runs the place.
    "reports.file" reports_file(FileReportArgs) -> Nothing;
    /// What was reported. For administrators, like all that follow of moderation.
    "moderation.reports" moderation_reports(Nothing) -> Vec<ReportView>;
    /// A report was dealt with.
    "moderation.close_report" moderation_close_report(CloseReportArgs) -> Nothing;
    /// Removes somebody's message.
    "moderation.remove_message" moderation_remove_message(RemoveMessageArgs) -> Nothing;
    /// People, by a part of their name or address.
    "moderation.accounts" moderation_accounts(AccountsArgs) -> AccountsView;
    /// Keeps somebody out, or lets them in again.
    "moderation.suspend" moderation_suspend(SuspendArgs) -> Nothing;
    /// Gives a student a mentor.
    "moderation.assign" moderation_assign(AssignArgs) -> Nothing;
    /// Who did what to whom, newest first.
    "moderation.audit" moderation_audit(AuditArgs) -> AuditPage;
    /// A page of messages.
    "messages.page" messages_page(PageArgs) -> MessagePage;
    /// Searches the messages on this device, newest first. Needs no network.
    "messages.search" messages_search(SearchArgs) -> SearchPage;
    /// Writes a message: it is on disk when this answers, and shown, and will be sent.
    "messages.send" messages_send(SendArgs) -> MessageRow;
    /// Gives an own message other words: on disk when this answers, and shown, and will be sent.
    "messages.edit" messages_edit(EditArgs) -> Nothing;
    /// Takes an own message back, likewise.
    "messages.delete" messages_delete(MessageArgs) -> Nothing;
    /// Gives a message an emoji or takes it back, likewise.
    "messages.react" messages_react(ReactArgs) -> Nothing;
    /// The earlier words of a message, oldest first; asked of the server.
    "messages.trace" messages_trace(MessageArgs) -> Vec<WordingView>;
    /// Tries again what failed: a message, or a change of one.
    "messages.retry" messages_retry(OperationArgs) -> Nothing;
    /// Throws away what failed.
    "messages.discard" messages_discard(OperationArgs) -> Nothing;
    /// Chooses what was dropped on the window: copied at once, so that it may go from where it was.
    "files.drop" files_drop(DropArgs) -> Choosing;
    /// Chooses the files or the picture in the desktop's clipboard, which the page is not given.
    "files.paste" files_paste(ConversationArgs) -> Pasted;
    /// Chooses a file whose bytes the page has.
    "files.begin" files_begin(BeginFileArgs) -> Begun;
    /// Gives its next bytes.
    "files.append" files_append(AppendFileArgs) -> Nothing;
    /// Takes a file out of what was begun.
    "files.remove" files_remove(FileArgs) -> Nothing;
    /// Fetches a file of a message.
    "files.fetch" files_fetch(MessageFileArgs) -> Nothing;
    /// Holds a file on its way.
    "files.hold" files_hold(FileArgs) -> Nothing;
    /// Lets it go on.
    "files.go_on" files_go_on(FileArgs) -> Nothing;
    /// Gives up fetching a file.
    "files.give_up" files_give_up(FileArgs) -> Nothing;
    /// Saves a file, which is here, into the person's downloads.
    "files.save" files_save(MessageFileArgs) -> SavedFile;
    /// Opens a file with the system's own programs; saves it before where it is not saved.
    "files.open" files_open(MessageFileArgs) -> Nothing;
    /// Shows where a file was saved.
    "files.show" files_show(MessageFileArgs) -> Nothing;
    /// The mentor's own status; none where never set.
    "status.get" status_get(Nothing) -> Option<OwnStatus>;
    /// Sets the mentor's own status. Without a connection it is on disk when this answers, and sent
    /// later.
    "status.set" status_set(StatusArgs) -> Nothing;
    /// Calls that ring here.
    "calls.rings" calls_rings(Nothing) -> Vec<Ring>;
    /// The call on this device.
    "calls.current" calls_current(Nothing) -> Option<CallProgress>;
    /// Rings the other person of a conversation.
    "calls.start" calls_start(CallStartArgs) -> CallProgress;
    /// Accepts a ring on this device.
    "calls.accept" calls_accept(CallAcceptArgs) -> Nothing;
    /// Declines a ring on all devices.
    "calls.reject" calls_reject(CallRejectArgs) -> Nothing;
    /// A ring is on screen, before the person's eyes: the caller is told.
    "calls.shown" calls_shown(CallArgs) -> Nothing;
    /// Hangs up, or gives up calling.
    "calls.hang_up" calls_hang_up(CallArgs) -> Nothing;
    /// Puts away a call that is over.
    "calls.dismiss" calls_dismiss(CallArgs) -> Nothing;
    /// Microphone on or off.
    "calls.microphone" calls_microphone(SwitchArgs) -> Nothing;
    /// Camera on or off.
    "calls.camera" calls_camera(SwitchArgs) -> Nothing;
    /// The page is there: what to show first. Until then the core keeps what was asked for.
    "view.opened" view_opened(Nothing) -> Opened;
    /// What the person is looking at, so that it needs no notification.
    "view.looking_at" view_looking_at(LookingAtArgs) -> Nothing;
    /// What the person chose for this device.
    "settings.get" settings_get(Nothing) -> Settings;
    /// Chooses.
    "settings.set" settings_set(Settings) -> Nothing;
    /// What the desktop around the app offers.
    "desktop.get" desktop_get(Nothing) -> Desktop;
    /// Opens a link with the system's own programs.
    "app.open_link" app_open_link(LinkArgs) -> Nothing;
    /// Ends the app.
    "app.quit" app_quit(Nothing) -> Nothing;
}

fn read<T: serde::de::DeserializeOwned>(args: Value) -> Result<T, UiError> {
    // The reason is left out on purpose: it may quote what a person typed.
    serde_json::from_value(args).map_err(|_| UiError::new(ErrorKind::Invalid).with("field", "args"))
}

fn answer<T: Serialize>(value: T) -> Result<Value, UiError> {
    serde_json::to_value(value).map_err(|_| UiError::new(ErrorKind::Internal))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Not a test of behaviour: writes the TypeScript list beside the types, as ts-rs does.
    #[test]
    fn export_commands() {
        let (imports, lines) = typescript();
        let mut file = String::from("// Generated by `cargo test -p im-contract`. Do not edit.\n");
        for name in imports {
            file.push_str(&format!("import type {{ {name} }} from './{name}';\n"));
        }
        file.push_str(
            "\n/** Every request the UI may make, with its arguments and its answer. */\n",
        );
        file.push_str("export interface Commands {\n");
        file.push_str(&lines);
        file.push_str("}\n");
        let folder = std::env::var("TS_RS_EXPORT_DIR").unwrap();
        std::fs::write(std::path::Path::new(&folder).join("commands.ts"), file).unwrap();
    }
}
