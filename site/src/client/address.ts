/// <reference lib="dom" preserve="true" />
import { embeddedName, type FromFigure } from './embedded-messages.ts';

/** Whether this page stands in another, by `<opt-race>`. */
const embedded = document.documentElement.dataset['embedded'] !== undefined && parent !== window;

const tell = (message: FromFigure): void => parent.postMessage({ from: embeddedName, ...message }, '*');

let told = '';

/** Puts the state of a figure into the address, and tells the page around it. */
export function remember(state: string): void {
  history.replaceState(null, '', `#${state}`);
  if (embedded && state !== told) tell({ kind: 'state', state });
  told = state;
}

/** Opens a figure at the state of the address, and again whenever somebody gives it another. */
export function opened(open: (state: string) => void): void {
  const read = (): void => {
    told = location.hash.replace(/^#/, '');
    open(told);
  };
  addEventListener('hashchange', read);
  read();
}

if (embedded) {
  new ResizeObserver(() => tell({ kind: 'height', height: Math.ceil(document.documentElement.getBoundingClientRect().height) })).observe(
    document.documentElement,
  );
}
