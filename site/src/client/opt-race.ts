/// <reference lib="dom" preserve="true" />
import { fromFigure } from './embedded-messages.ts';

/** Pages with a figure, by what the attribute says. */
const figures: Readonly<Record<string, { readonly page: string; readonly title: string }>> = {
  race: { page: 'playground.html', title: 'A race of optimizers' },
  bowl: { page: 'bowl.html', title: 'Training loss over the learning rate' },
  valley: { page: 'valley.html', title: 'Three optimizers in a valley' },
  lens: { page: 'lens.html', title: 'A training run under lenses' },
  memory: { page: 'memory.html', title: 'An associative memory, learned by two optimizers' },
  sphere: { page: 'sphere.html', title: 'Steps on a sphere and beside it' },
};

/**
 * `<opt-race figure="race" state="seed=1&lane=soap&lane=adamw">`: a figure of the site in any page. `figure` is one of race (default), bowl, valley,
 * lens, memory, sphere; `state` what the figure's own address says behind '#', kept up to date, with a `change` event, while somebody plays;
 * `scheme` is light or dark, or left out: as the reader's machine has it. The page needs `script-src` and `frame-src` of this site, nothing else.
 */
class OptRace extends HTMLElement {
  static readonly observedAttributes: readonly string[] = ['figure', 'state', 'scheme'];
  private readonly frame = document.createElement('iframe');

  constructor() {
    super();
    // A constructed sheet and properties set by script need no permission for styles.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(':host{display:block}:host([hidden]){display:none}iframe{display:block;width:100%;height:40rem;border:0}');
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [sheet];
    this.frame.loading = 'lazy';
    root.append(this.frame);
  }

  connectedCallback(): void {
    addEventListener('message', this.hear);
    this.open();
  }

  disconnectedCallback(): void {
    removeEventListener('message', this.hear);
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    // What the figure itself said needs no telling.
    if (before !== now && this.isConnected && !(name === 'state' && now === this.said)) this.open();
  }

  private said: string | null = null;

  private open(): void {
    const named = this.getAttribute('figure') ?? 'race';
    const figure = figures[named];
    if (figure === undefined)
      throw new TypeError(`opt-race: figure must be one of ${Object.keys(figures).join(', ')}, received '${named}'`);
    const address = new URL(`../${figure.page}`, import.meta.url);
    const scheme = this.getAttribute('scheme');
    address.search = scheme === 'light' || scheme === 'dark' ? `embedded&scheme=${scheme}` : 'embedded';
    address.hash = this.getAttribute('state') ?? '';
    this.frame.title = this.getAttribute('label') ?? figure.title;
    this.frame.src = address.href;
  }

  private readonly hear = ({ source, origin, data }: MessageEvent): void => {
    if (source !== this.frame.contentWindow || origin !== new URL(import.meta.url).origin) return;
    const message = fromFigure(data);
    if (message?.kind === 'height') this.frame.style.height = `${message.height}px`;
    if (message?.kind === 'state') {
      this.said = message.state;
      this.setAttribute('state', message.state);
      this.dispatchEvent(new Event('change'));
    }
  };
}

if (customElements.get('opt-race') === undefined) customElements.define('opt-race', OptRace);
