import type { Account } from '../contract/Account';
import type { MeView } from '../contract/MeView';
import type { SignOutResult } from '../contract/SignOutResult';
import type { Unsent } from '../contract/Unsent';
import type { Platform } from '../platform';
import { Reading } from './reading.svelte';

/** Who is signed in on this device. */
export class AccountState {
  readonly #reading: Reading<Account>;

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

  signOut(unsent: Unsent): Promise<SignOutResult> {
    return this.platform.request('account.sign_out', { unsent });
  }
}
