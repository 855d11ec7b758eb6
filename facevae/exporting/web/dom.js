// Finding and making elements.

export const element = (id) => document.getElementById(id);

/** A new element with properties, attributes (names with a hyphen, and role) and children. */
export function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "role" || name.includes("-")) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}
