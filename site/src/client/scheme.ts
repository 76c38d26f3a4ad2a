/// <reference lib="dom" preserve="true" />

// Light or dark as the machine has it, unless somebody chose; runs before anything is drawn.
const key = 'opt-scheme';
const root = document.documentElement;

const stored = (): string | null => {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
};

// A figure that stands in another page is without the frame of this one, and in the scheme of that.
const asked = new URLSearchParams(location.search);
if (asked.has('embedded')) root.dataset['embedded'] = '';
const chosen = asked.get('scheme') ?? stored();
if (chosen === 'light' || chosen === 'dark') root.dataset['scheme'] = chosen;

const isDark = (): boolean =>
  (root.dataset['scheme'] ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';

addEventListener('DOMContentLoaded', () => {
  const menu = document.querySelector<HTMLDetailsElement>('.menu > details');
  if (menu && matchMedia('(min-width: 60rem)').matches) menu.open = true;
  const button = document.querySelector<HTMLButtonElement>('button.scheme');
  if (!button) return;
  const label = (): void => {
    button.textContent = isDark() ? 'Light' : 'Dark';
    button.setAttribute('aria-label', `Switch to the ${isDark() ? 'light' : 'dark'} scheme`);
  };
  button.hidden = false;
  button.addEventListener('click', () => {
    root.dataset['scheme'] = isDark() ? 'light' : 'dark';
    try {
      localStorage.setItem(key, root.dataset['scheme']);
    } catch {
      // Nothing is kept where nothing may be.
    }
    label();
    dispatchEvent(new Event('schemechange'));
  });
  label();
});
