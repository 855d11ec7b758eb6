// Many wishes to draw become one drawing at a time.

/** A function that does `work`. Calls during the work lead to one more round of it, and end with it. */
export function merged(work) {
  let running = null;
  let again = false;
  return () => {
    if (running) {
      again = true;
      return running;
    }
    running = (async () => {
      try {
        do {
          again = false;
          await work();
        } while (again);
      } finally {
        running = null;
      }
    })();
    return running;
  };
}
