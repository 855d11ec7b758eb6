// Arrow keys, Home and End among buttons of which one is in the order of the Tab key.

/** Makes the buttons that `buttons()` gives one stop of the Tab key. `chosen(button)` hears where the focus went. */
export function useArrowKeys(container, buttons, chosen = () => {}) {
  container.addEventListener("keydown", (event) => {
    const all = buttons();
    const at = all.indexOf(event.target);
    if (at < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const next = target(event.key, all, at);
    if (next === undefined) return;
    event.preventDefault();
    stopAt(all, all[next]);
    all[next].focus();
    chosen(all[next]);
  });
  container.addEventListener("focusin", (event) => {
    if (buttons().includes(event.target)) stopAt(buttons(), event.target);
  });
}

/** Makes one of the buttons the stop of the Tab key. */
export function stopAt(all, stop) {
  for (const button of all) button.tabIndex = button === stop ? 0 : -1;
}

function target(key, all, at) {
  const ends = { Home: 0, End: all.length - 1 };
  if (key in ends) return ends[key];
  const perRow = all.filter((button) => button.offsetTop === all[0].offsetTop).length;
  const down = perRow < all.length ? perRow : 1;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: down, ArrowUp: -down }[key];
  return step === undefined ? undefined : (at + step + all.length) % all.length;
}
