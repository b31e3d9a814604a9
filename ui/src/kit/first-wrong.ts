/** Puts the focus into the first field of a form that says what is wrong with it, once it says so. */
export function focusFirstWrong(form: HTMLFormElement | undefined): void {
  requestAnimationFrame(() => form?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
}
