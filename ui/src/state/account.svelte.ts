import type { Account } from '../contract/Account';
import type { Exported } from '../contract/Exported';
import type { MeView } from '../contract/MeView';
import type { SignOutResult } from '../contract/SignOutResult';
import type { Unsent } from '../contract/Unsent';
import type { Platform } from '../platform';
import { Reading } from './reading.svelte';

/** Who is signed in on this device. */
export class AccountState {
  readonly #reading: Reading<Account>;
  /** How much of an export is saved. */
  exportedBytes = $state(0);

  /** `onchange` hears whenever somebody else may be signed in. */
  constructor(
    private readonly platform: Platform,
    private readonly onchange: () => void,
  ) {
    this.#reading = new Reading(() => platform.request('account.get', {}));
  }

  /** What the core says; none until it was read for the first time. */
  get current(): Account | undefined {
    return this.#reading.value;
  }

  /** Why it could not be read. */
  get error() {
    return this.#reading.error;
  }

  /** The signed-in person, if there is one. */
  get me(): MeView | undefined {
    return this.current?.state === 'signed_in' ? this.current.me : undefined;
  }

  /** Whether this person has a status of their own. */
  get isMentor(): boolean {
    return this.me?.role === 'mentor';
  }

  async refresh(): Promise<void> {
    await this.#reading.refresh();
    this.onchange();
  }

  /** The core told. */
  told(account: Account): void {
    this.#reading.told(account);
    this.onchange();
  }

  async signIn(server: string, email: string, password: string): Promise<void> {
    this.told(await this.platform.request('account.sign_in', { server, email, password }));
  }

  async register(server: string, name: string, email: string, password: string): Promise<void> {
    this.told(await this.platform.request('account.register', { server, name, email, password }));
  }

  async acceptInvitation(server: string, code: string, name: string, password: string): Promise<void> {
    this.told(await this.platform.request('account.accept_invitation', { server, code, name, password }));
  }

  async changePassword(old: string, fresh: string): Promise<void> {
    await this.platform.request('account.change_password', { old, new: fresh });
  }

  /** Asks for a mail with a code for a new password. */
  async forgot(server: string, email: string): Promise<void> {
    await this.platform.request('account.forgot', { server, email });
  }

  /** Sets a new password by a code, and comes in. */
  async reset(server: string, email: string, code: string, password: string): Promise<void> {
    this.told(await this.platform.request('account.reset', { server, email, code, password }));
  }

  /** Shows by the code from the mail that the address is the person's own; the core tells when it is. */
  async verify(code: string): Promise<void> {
    await this.platform.request('account.verify', { code });
  }

  /** Asks for that mail again. */
  async resendCode(): Promise<void> {
    await this.platform.request('account.resend_code', {});
  }

  /** Saves everything that the server has of the person to a file, and says where. */
  async exportAll(): Promise<Exported> {
    this.exportedBytes = 0;
    return await this.platform.request('account.export', {});
  }

  /** Deletes the account for good; the core tells when nobody is signed in anymore. */
  async deleteAccount(password: string): Promise<void> {
    await this.platform.request('account.delete', { password });
  }

  signOut(unsent: Unsent): Promise<SignOutResult> {
    return this.platform.request('account.sign_out', { unsent });
  }
}
