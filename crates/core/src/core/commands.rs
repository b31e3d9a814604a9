//! The UI's requests, each handed to the room that answers it.

use super::Core;
use crate::{
    account::{Ask, How, deletion, recovery},
    blocking::blocking,
    calls::Now,
    conversations, courses, devices, export, files,
    links::Link,
    messages, moderation, people, search,
    session::Mail,
};
use im_contract::{
    Commands, ErrorKind, UiError,
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
use std::sync::Arc;
use tokio::sync::oneshot;

impl Core {
    async fn enter(&self, how: How) -> Result<Account, UiError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::SignIn(how, reply)).await?;
        answer.await.map_err(|_| stopped())?
    }

    async fn ask(&self, ask: Ask) -> Result<(), UiError> {
        let sent = self.inner.account.asks.send(ask).await;
        sent.map_err(|_| stopped())
    }
}

fn stopped() -> UiError {
    UiError::new(ErrorKind::Internal)
}

impl Commands for Core {
    async fn account_get(&self, _: Nothing) -> Result<Account, UiError> {
        Ok(self.inner.account.slot.borrow().account.clone())
    }

    async fn account_sign_in(&self, args: SignInArgs) -> Result<Account, UiError> {
        self.enter(How::SignIn(args)).await
    }

    async fn account_register(&self, args: RegisterArgs) -> Result<Account, UiError> {
        self.enter(How::Register(args)).await
    }

    async fn account_accept_invitation(&self, args: InvitationArgs) -> Result<Account, UiError> {
        self.enter(How::Invitation(args)).await
    }

    async fn account_forgot(&self, args: ForgotArgs) -> Result<Nothing, UiError> {
        recovery::forgot(&self.inner.account.http, args).await?;
        Ok(Nothing {})
    }

    async fn account_reset(&self, args: ResetArgs) -> Result<Account, UiError> {
        self.enter(How::Reset(args)).await
    }

    async fn account_verify(&self, args: CodeArgs) -> Result<Nothing, UiError> {
        recovery::verify(&*self.open()?, args).await?;
        Ok(Nothing {})
    }

    async fn account_resend_code(&self, _: Nothing) -> Result<Nothing, UiError> {
        recovery::resend(&*self.open()?).await?;
        Ok(Nothing {})
    }

    async fn account_delete(&self, args: DeleteArgs) -> Result<Nothing, UiError> {
        deletion::delete(&*self.open()?, args).await?;
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::Wipe(reply)).await?;
        answer.await.map_err(|_| stopped())?;
        Ok(Nothing {})
    }

    async fn account_export(&self, _: Nothing) -> Result<Exported, UiError> {
        let folder = self.inner.downloads.borrow().clone();
        export::export(&*self.open()?, &folder).await
    }

    async fn account_sign_out(&self, args: SignOutArgs) -> Result<SignOutResult, UiError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::SignOut(args.unsent, reply)).await?;
        answer.await.map_err(|_| stopped())?
    }

    async fn account_change_password(&self, args: ChangePasswordArgs) -> Result<Nothing, UiError> {
        devices::change_password(&self.open()?.context, args).await?;
        Ok(Nothing {})
    }

    async fn devices_list(&self, _: Nothing) -> Result<Vec<DeviceView>, UiError> {
        devices::list(&self.open()?.context).await
    }

    async fn devices_sign_out(&self, args: DeviceArgs) -> Result<Nothing, UiError> {
        devices::sign_out(&self.open()?.context, args).await?;
        Ok(Nothing {})
    }

    async fn devices_sign_out_others(&self, _: Nothing) -> Result<Nothing, UiError> {
        devices::sign_out_others(&self.open()?.context).await?;
        Ok(Nothing {})
    }

    async fn connection_get(&self, _: Nothing) -> Result<Connection, UiError> {
        Ok(self.line())
    }

    async fn connection_retry(&self, _: Nothing) -> Result<Nothing, UiError> {
        self.open()?.tell(Mail::Reconnect).await;
        Ok(Nothing {})
    }

    async fn conversations_list(&self, _: Nothing) -> Result<Vec<ConversationRow>, UiError> {
        conversations::list(&self.open()?.context).await
    }

    async fn conversations_open(&self, args: OpenArgs) -> Result<ConversationRow, UiError> {
        let open = self.open()?;
        conversations::open(&open, args.with, args.course).await
    }

    async fn conversations_read(&self, args: ReadArgs) -> Result<Nothing, UiError> {
        let open = self.open()?;
        conversations::read(&open, args.conversation, args.seq).await?;
        Ok(Nothing {})
    }

    async fn conversations_typing(&self, args: TypingArgs) -> Result<Nothing, UiError> {
        let open = self.open()?;
        conversations::typing(&open.context, args.conversation, args.on).await;
        Ok(Nothing {})
    }

    async fn conversations_draft(&self, args: ConversationArgs) -> Result<Draft, UiError> {
        conversations::draft(&self.open()?.context, args.conversation).await
    }

    async fn conversations_keep_draft(&self, args: DraftArgs) -> Result<Nothing, UiError> {
        let open = self.open()?;
        conversations::keep_draft(&open, args).await?;
        Ok(Nothing {})
    }

    async fn people_list(&self, _: Nothing) -> Result<Vec<PersonView>, UiError> {
        people::list(&self.open()?.context).await
    }

    async fn people_mentors(&self, _: Nothing) -> Result<Vec<PersonView>, UiError> {
        people::mentors(&self.open()?.context).await
    }

    async fn courses_list(&self, _: Nothing) -> Result<Vec<CourseView>, UiError> {
        people::courses(&self.open()?.context).await
    }

    async fn courses_enrol(&self, args: EnrolArgs) -> Result<CourseView, UiError> {
        let open = self.open()?;
        people::enrol(&open, args.code).await
    }

    async fn courses_roster(&self, args: CourseArgs) -> Result<RosterView, UiError> {
        courses::roster(&self.open()?.context, args.course).await
    }

    async fn courses_renew_code(&self, args: CourseArgs) -> Result<RosterView, UiError> {
        courses::renew_code(&self.open()?.context, args.course).await
    }

    async fn courses_add_student(&self, args: AddStudentArgs) -> Result<PersonView, UiError> {
        courses::add(&self.open()?.context, args).await
    }

    async fn courses_remove_student(&self, args: CourseStudentArgs) -> Result<Nothing, UiError> {
        courses::remove(&self.open()?.context, args).await?;
        Ok(Nothing {})
    }

    async fn courses_announce(&self, args: AnnounceArgs) -> Result<Nothing, UiError> {
        let open = self.open()?;
        courses::announce(&open, args).await?;
        Ok(Nothing {})
    }

    async fn courses_announcements(
        &self,
        args: CourseArgs,
    ) -> Result<Vec<AnnouncementView>, UiError> {
        courses::announcements(&self.open()?.context, args.course).await
    }

    async fn courses_retry_announcement(&self, args: AnnouncementArgs) -> Result<Nothing, UiError> {
        let open = self.open()?;
        courses::retry(&open, args.id).await?;
        Ok(Nothing {})
    }

    async fn courses_discard_announcement(
        &self,
        args: AnnouncementArgs,
    ) -> Result<Nothing, UiError> {
        let open = self.open()?;
        courses::discard(&open, args.id).await?;
        Ok(Nothing {})
    }

    async fn blocks_list(&self, _: Nothing) -> Result<Vec<PersonView>, UiError> {
        moderation::blocks(&self.open()?.context).await
    }

    async fn blocks_set(&self, args: BlockArgs) -> Result<Nothing, UiError> {
        moderation::set_block(&self.open()?.context, args).await?;
        Ok(Nothing {})
    }

    async fn reports_file(&self, args: FileReportArgs) -> Result<Nothing, UiError> {
        moderation::file(&self.open()?.context, args).await?;
        Ok(Nothing {})
    }

    async fn moderation_reports(&self, _: Nothing) -> Result<Vec<ReportView>, UiError> {
        moderation::reports(&self.open()?.context).await
    }

    async fn moderation_close_report(&self, args: CloseReportArgs) -> Result<Nothing, UiError> {
        moderation::close(&self.open()?.context, args).await?;
        Ok(Nothing {})
    }

    async fn moderation_remove_message(&self, args: RemoveMessageArgs) -> Result<Nothing, UiError> {
        moderation::remove(&self.open()?.context, args).await?;
        Ok(Nothing {})
    }

    async fn moderation_accounts(&self, args: AccountsArgs) -> Result<AccountsView, UiError> {
        moderation::accounts(&self.open()?.context, &args.search).await
    }

    async fn moderation_suspend(&self, args: SuspendArgs) -> Result<Nothing, UiError> {
        moderation::suspend(&self.open()?.context, args).await?;
        Ok(Nothing {})
    }

    async fn moderation_assign(&self, args: AssignArgs) -> Result<Nothing, UiError> {
        moderation::assign(&self.open()?.context, args).await?;
        Ok(Nothing {})
    }

    async fn moderation_audit(&self, args: AuditArgs) -> Result<AuditPage, UiError> {
        moderation::audit(&self.open()?.context, args.before).await
    }

    async fn messages_page(&self, args: PageArgs) -> Result<MessagePage, UiError> {
        let open = self.open()?;
        messages::page(&open, args).await
    }

    async fn messages_search(&self, args: SearchArgs) -> Result<SearchPage, UiError> {
        search::page(&self.open()?.context, args).await
    }

    async fn messages_send(&self, args: SendArgs) -> Result<MessageRow, UiError> {
        let open = self.open()?;
        messages::send(&open, args).await
    }

    async fn messages_edit(&self, args: EditArgs) -> Result<Nothing, UiError> {
        let open = self.open()?;
        messages::edit(&open, args).await?;
        Ok(Nothing {})
    }

    async fn messages_delete(&self, args: MessageArgs) -> Result<Nothing, UiError> {
        let open = self.open()?;
        messages::delete(&open, args).await?;
        Ok(Nothing {})
    }

    async fn messages_react(&self, args: ReactArgs) -> Result<Nothing, UiError> {
        let open = self.open()?;
        messages::react(&open, args).await?;
        Ok(Nothing {})
    }

    async fn messages_trace(&self, args: MessageArgs) -> Result<Vec<WordingView>, UiError> {
        messages::trace(&self.open()?.context, args).await
    }

    async fn messages_retry(&self, args: OperationArgs) -> Result<Nothing, UiError> {
        let open = self.open()?;
        messages::retry(&open, args.id).await?;
        Ok(Nothing {})
    }

    async fn messages_discard(&self, args: OperationArgs) -> Result<Nothing, UiError> {
        let open = self.open()?;
        messages::discard(&open, args.id).await?;
        Ok(Nothing {})
    }

    async fn files_drop(&self, args: DropArgs) -> Result<Choosing, UiError> {
        let open = self.open()?;
        let paths = self.take_dropped(args.drop)?;
        files::dropped(&open, args.conversation, paths).await
    }

    async fn files_paste(&self, args: ConversationArgs) -> Result<Pasted, UiError> {
        let open = self.open()?;
        match self.inner.clipboard.copied().await {
            Some(copied) => files::pasted(&open, args.conversation, copied).await,
            None => Ok(Pasted::Nothing),
        }
    }

    async fn files_begin(&self, args: BeginFileArgs) -> Result<Begun, UiError> {
        files::begin(&*self.open()?, args).await
    }

    async fn files_append(&self, args: AppendFileArgs) -> Result<Nothing, UiError> {
        files::append(&*self.open()?, args).await?;
        Ok(Nothing {})
    }

    async fn files_remove(&self, args: FileArgs) -> Result<Nothing, UiError> {
        files::remove(&*self.open()?, args).await?;
        Ok(Nothing {})
    }

    async fn files_fetch(&self, args: MessageFileArgs) -> Result<Nothing, UiError> {
        files::fetch(&*self.open()?, args).await?;
        Ok(Nothing {})
    }

    async fn files_hold(&self, args: FileArgs) -> Result<Nothing, UiError> {
        files::hold(&*self.open()?, args, true).await?;
        Ok(Nothing {})
    }

    async fn files_go_on(&self, args: FileArgs) -> Result<Nothing, UiError> {
        files::hold(&*self.open()?, args, false).await?;
        Ok(Nothing {})
    }

    async fn files_give_up(&self, args: FileArgs) -> Result<Nothing, UiError> {
        files::give_up(&*self.open()?, args).await?;
        Ok(Nothing {})
    }

    async fn files_save(&self, args: MessageFileArgs) -> Result<SavedFile, UiError> {
        let downloads = self.inner.downloads.borrow().clone();
        let open = self.open()?;
        let saved = files::save(&open, &downloads, args).await?;
        open.tell(Mail::Fetched(None)).await;
        Ok(saved)
    }

    async fn files_open(&self, args: MessageFileArgs) -> Result<Nothing, UiError> {
        let downloads = self.inner.downloads.borrow().clone();
        let links = Arc::clone(&self.inner.links);
        files::open(&*self.open()?, &downloads, links, args).await?;
        Ok(Nothing {})
    }

    async fn files_show(&self, args: MessageFileArgs) -> Result<Nothing, UiError> {
        let downloads = self.inner.downloads.borrow().clone();
        let links = Arc::clone(&self.inner.links);
        files::show(&*self.open()?, &downloads, links, args).await?;
        Ok(Nothing {})
    }

    async fn status_get(&self, _: Nothing) -> Result<Option<OwnStatus>, UiError> {
        Ok(people::own_status(&self.open()?.context))
    }

    async fn status_set(&self, args: StatusArgs) -> Result<Nothing, UiError> {
        let open = self.open()?;
        people::set_status(&open, args.availability, &args.message).await?;
        Ok(Nothing {})
    }

    async fn calls_rings(&self, _: Nothing) -> Result<Vec<Ring>, UiError> {
        Ok(self.open()?.calls.rings())
    }

    async fn calls_current(&self, _: Nothing) -> Result<Option<CallProgress>, UiError> {
        Ok(self.open()?.calls.current())
    }

    async fn calls_start(&self, args: CallStartArgs) -> Result<CallProgress, UiError> {
        let open = self.open()?;
        open.calls.start(&open.context, args).await
    }

    async fn calls_accept(&self, args: CallAcceptArgs) -> Result<Nothing, UiError> {
        self.open()?.calls.accept(args).await?;
        Ok(Nothing {})
    }

    async fn calls_reject(&self, args: CallRejectArgs) -> Result<Nothing, UiError> {
        self.open()?.calls.reject(args).await?;
        Ok(Nothing {})
    }

    async fn calls_shown(&self, args: CallArgs) -> Result<Nothing, UiError> {
        self.open()?.calls.now(Now::Shown(args.call)).await?;
        Ok(Nothing {})
    }

    async fn calls_hang_up(&self, args: CallArgs) -> Result<Nothing, UiError> {
        self.open()?.calls.now(Now::HangUp(args.call)).await?;
        Ok(Nothing {})
    }

    async fn calls_dismiss(&self, args: CallArgs) -> Result<Nothing, UiError> {
        self.open()?.calls.now(Now::Dismiss(args.call)).await?;
        Ok(Nothing {})
    }

    async fn calls_microphone(&self, args: SwitchArgs) -> Result<Nothing, UiError> {
        self.open()?.calls.now(Now::Microphone(args.on)).await?;
        Ok(Nothing {})
    }

    async fn calls_camera(&self, args: SwitchArgs) -> Result<Nothing, UiError> {
        self.open()?.calls.now(Now::Camera(args.on)).await?;
        Ok(Nothing {})
    }

    async fn view_opened(&self, _: Nothing) -> Result<Opened, UiError> {
        Ok(Opened {
            conversation: self.inner.events.take_asked(),
        })
    }

    async fn view_looking_at(&self, args: LookingAtArgs) -> Result<Nothing, UiError> {
        if args.conversation.is_some() {
            // A page is there and has gone where the person wanted: nothing is left to be opened.
            self.inner.events.take_asked();
        }
        self.set_visible(args.conversation);
        Ok(Nothing {})
    }

    async fn settings_get(&self, _: Nothing) -> Result<Settings, UiError> {
        Ok(self.inner.settings.chosen())
    }

    async fn settings_set(&self, args: Settings) -> Result<Nothing, UiError> {
        let inner = Arc::clone(&self.inner);
        let saved = blocking(move || inner.settings.keep(args)).await;
        saved.map_err(|error| {
            tracing::error!(kind = %error.kind(), "the settings could not be kept");
            UiError::new(ErrorKind::Storage)
        })?;
        Ok(Nothing {})
    }

    async fn desktop_get(&self, _: Nothing) -> Result<Desktop, UiError> {
        Ok(*self.inner.desktop.borrow())
    }

    async fn app_open_link(&self, args: LinkArgs) -> Result<Nothing, UiError> {
        let link = Link::parse(&args.url)
            .ok_or_else(|| UiError::new(ErrorKind::Invalid).with("field", "url"))?;
        let links = Arc::clone(&self.inner.links);
        // It starts a process.
        let opened = blocking(move || links.open(&link)).await;
        opened.map_err(|error| {
            tracing::warn!(kind = %error.kind(), "a link could not be opened");
            UiError::new(ErrorKind::Internal)
        })?;
        Ok(Nothing {})
    }

    async fn app_quit(&self, _: Nothing) -> Result<Nothing, UiError> {
        self.inner.quit.send_replace(true);
        Ok(Nothing {})
    }
}
