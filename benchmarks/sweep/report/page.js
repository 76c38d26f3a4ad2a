// Hides and shows optimizers in every graph of the page.
for (const button of document.querySelectorAll('.legend button')) {
  button.addEventListener('click', () => {
    const shown = button.getAttribute('aria-pressed') !== 'true';
    button.setAttribute('aria-pressed', String(shown));
    for (const series of document.querySelectorAll(button.dataset.selector)) series.classList.toggle(button.dataset.hides, !shown);
  });
}
