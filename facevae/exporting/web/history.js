// Undo and redo.

const MOST = 200;

/** Remembers states; `changed()` is called whenever undo or redo become possible or impossible. */
export class History {
  constructor(changed) {
    this.changed = changed;
    this.states = [];
    this.place = -1;
  }

  /** Adds a state after the present one; what was undone is forgotten. */
  add(state) {
    this.states = [...this.states.slice(0, this.place + 1), state].slice(-MOST);
    this.place = this.states.length - 1;
    this.changed();
  }

  get canUndo() { return this.place > 0; }

  get canRedo() { return this.place < this.states.length - 1; }

  /** The state before, or null at the first. */
  undo() { return this.canUndo ? this.move(-1) : null; }

  /** The state after, or null at the last. */
  redo() { return this.canRedo ? this.move(1) : null; }

  move(step) {
    this.place += step;
    this.changed();
    return this.states[this.place];
  }
}
