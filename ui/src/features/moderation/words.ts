import type { AuditRow } from '../../contract/AuditRow';
import type { ReportView } from '../../contract/ReportView';
import { t } from '../../i18n/words';

/** Why something is reported. */
export type Reason = ReportView['reason'];

/** What a person can choose. */
export const REASONS: readonly { value: Reason; label: string }[] = [
  { value: 'harassment', label: t('reason_harassment') },
  { value: 'inappropriate', label: t('reason_inappropriate') },
  { value: 'spam', label: t('reason_spam') },
  { value: 'else', label: t('reason_else') },
];

/** The same for an administrator. */
export function reasonWords(reason: Reason): string {
  return REASONS.find((one) => one.value === reason)?.label ?? t('reason_else');
}

const ACTIONS: Record<AuditRow['action'], string> = {
  block: t('audit_block'),
  unblock: t('audit_unblock'),
  report: t('audit_report'),
  close_report: t('audit_close_report'),
  remove_message: t('audit_remove_message'),
  suspend: t('audit_suspend'),
  unsuspend: t('audit_unsuspend'),
  assign: t('audit_assign'),
  other: t('audit_other'),
};

/** What was done, and to whom. */
export function auditWords(row: AuditRow): string {
  const who = row.actor ?? t('audit_operator');
  return [`${who}: ${ACTIONS[row.action]}`, row.subject].filter(Boolean).join(' – ');
}
