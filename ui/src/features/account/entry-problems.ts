import { PASSWORD_MIN_CHARS } from '../../contract/limits';
import type { UiError } from '../../contract/UiError';
import { errorWords, t } from '../../i18n/words';

/** What each field of signing in, registering and accepting an invitation may say is wrong with it. */
export interface Problems {
  server?: string;
  email?: string;
  name?: string;
  code?: string;
  password?: string;
  /** What belongs to no field. */
  form?: string;
}

/** Puts what the core answered beside the field it belongs to. */
export function placed(error: UiError | undefined): Problems {
  if (!error) return {};
  const words = errorWords(error);
  switch (error.kind) {
    case 'wrong_password':
      return { password: words };
    case 'email_taken':
      return { email: words };
    case 'bad_invitation':
    case 'bad_code':
      return { code: words };
    case 'bad_server_address':
    case 'server_unreachable':
    case 'not_a_server':
    case 'app_too_old':
    case 'server_too_old':
      return { server: words };
    case 'invalid':
    case 'too_long': {
      const field = error.params['field'];
      return field === 'email' ||
        field === 'name' ||
        field === 'code' ||
        field === 'password' ||
        field === 'server'
        ? { [field]: words }
        : { form: words };
    }
    default:
      return { form: words };
  }
}

/** What can be seen to be wrong before the server is asked. */
export function missing(
  fields: { email?: string; name?: string; code?: string; password?: string },
  isNew: boolean,
): Problems {
  const problems: Problems = {};
  if (fields.name !== undefined && !fields.name.trim()) problems.name = t('problem_name');
  if (fields.code !== undefined && !fields.code.trim()) problems.code = t('problem_code');
  if (fields.email !== undefined && !/^[^\s@]+@[^\s@]+$/.test(fields.email.trim()))
    problems.email = t('problem_email');
  if (fields.password === undefined) return problems;
  if (!fields.password) problems.password = t('problem_password');
  else if (isNew && Array.from(fields.password).length < PASSWORD_MIN_CHARS) {
    problems.password = t('problem_password_short', { count: PASSWORD_MIN_CHARS });
  }
  return problems;
}

/** What the fields of changing the password may say is wrong with them. */
export interface PasswordProblems {
  old?: string;
  fresh?: string;
  /** What belongs to no field. */
  form?: UiError;
}

/** Puts what the core answered to a change of password beside the field it belongs to. */
export function passwordPlaced(error: UiError | undefined): PasswordProblems {
  if (!error) return {};
  const field = error.kind === 'invalid' ? error.params['field'] : undefined;
  if (field === 'old_password') return { old: t('problem_password_old') };
  if (field === 'new_password') return { fresh: t('problem_password_new') };
  return { form: error };
}

/** What can be seen to be wrong with a change of password before the server is asked. */
export function passwordMissing(old: string, fresh: string): PasswordProblems {
  const problems: PasswordProblems = {};
  if (!old) problems.old = t('problem_password');
  if (Array.from(fresh).length < PASSWORD_MIN_CHARS) {
    problems.fresh = t('problem_password_short', { count: PASSWORD_MIN_CHARS });
  }
  return problems;
}
