/** What part of the map is in sight: pixels a position and a lane, and what stands at the left and top edge. */

export class Camera {
  x = 0; // position at the left edge
  y = 0; // lane at the top edge
  wide = 4; // pixels a position
  high = 20; // pixels a lane
  /** Follows the run: all of it is in sight, or its end where that would be too small. */
  fits = true;
  #width = 1; // pixels
  #height = 1;
  #lanes = 1;
  #seen = 0; // positions

  /** Takes in the size of the window and of the map. @returns whether what is in sight changed */
  frame(width: number, height: number, lanes: number, seen: number): boolean {
    const before = [this.x, this.y, this.wide, this.high, this.#width, this.#height].join();
    if (lanes !== this.#lanes) this.high = 0; // another model
    [this.#width, this.#height, this.#lanes, this.#seen] = [width, height, lanes, seen];
    if (this.fits) {
      // Room for more than there is, in leaps, so that the map does not shrink with every token.
      let room = 64;
      while (room < seen) room = Math.ceil(room * 1.25);
      this.wide = Math.max(1, width / room);
      this.x = Math.max(0, seen - width / this.wide);
      this.y = 0;
      this.high = height / lanes;
    }
    this.#clamp();
    return before !== [this.x, this.y, this.wide, this.high, this.#width, this.#height].join();
  }

  #clamp() {
    this.wide = Math.min(60, Math.max(this.wide, Math.min(4, this.#width / Math.max(64, this.#seen))));
    this.high = Math.min(120, Math.max(this.high, this.#height / this.#lanes));
    this.x = Math.max(0, Math.min(this.x, Math.max(64, this.#seen) - this.#width / this.wide / 2));
    this.y = Math.max(0, Math.min(this.y, this.#lanes - this.#height / this.high));
  }

  /** Zooms about a point in pixels. */
  zoom(factorX: number, factorY: number, px = this.#width / 2, py = this.#height / 2): void {
    this.fits = false;
    const [position, lane] = this.at(px, py);
    this.wide *= factorX;
    this.high *= factorY;
    this.#clamp();
    this.x = position - px / this.wide;
    this.y = lane - py / this.high;
    this.#clamp();
  }

  /** Moves the map by pixels. */
  pan(dx: number, dy: number): void {
    this.fits = false;
    this.x -= dx / this.wide;
    this.y -= dy / this.high;
    this.#clamp();
  }

  /** Brings a position into sight. */
  reveal(position: number): void {
    const right = this.x + this.#width / this.wide;
    if (position >= this.x && position + 1 <= right) return;
    this.fits = false;
    this.x = position - this.#width / this.wide / 2;
    this.#clamp();
  }

  /** Position and lane under a point, with fractions. */
  at(px: number, py: number): [number, number] {
    return [this.x + px / this.wide, this.y + py / this.high];
  }

  readonly left = (position: number): number => (position - this.x) * this.wide;
  readonly top = (lane: number): number => (lane - this.y) * this.high;
}

/** How far two fingers are apart along an axis; where they are side by side they zoom the other one. */
const apart = (a: number, b: number) => Math.max(40, Math.abs(a - b));

/** What the camera is steered by: mouse, touch and keys on an element. */
export function steer(
  element: HTMLElement,
  camera: Camera,
  { gutter, changed, pointed }: {
    gutter: { left: number; top: number }; // pixels of the element that are not the map
    changed: () => void;
    pointed: (px: number, py: number, pressed: boolean) => void;
  },
): void {
  const fingers = new Map<number, { x: number; y: number }>();
  let moved = 0; // pixels, since the press
  const place = (event: MouseEvent) => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left - gutter.left, y: event.clientY - box.top - gutter.top };
  };
  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { x, y } = place(event);
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      camera.pan(-(event.deltaX || event.deltaY), 0);
    } else {
      const factor = Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015));
      camera.zoom(event.altKey ? 1 : factor, event.altKey ? factor : 1, x, y);
    }
    changed();
  }, { passive: false });
  element.addEventListener("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, place(event));
    moved = 0;
  });
  element.addEventListener("pointermove", (event) => {
    const now = place(event);
    const before = fingers.get(event.pointerId);
    if (!before) return pointed(now.x, now.y, false);
    const [dx, dy] = [now.x - before.x, now.y - before.y];
    moved += Math.abs(dx) + Math.abs(dy);
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      camera.zoom(
        apart(now.x, other.x) / apart(before.x, other.x),
        apart(now.y, other.y) / apart(before.y, other.y),
        other.x,
        other.y,
      );
    } else if (moved > 3) camera.pan(dx, event.pointerType === "touch" ? 0 : dy); // up and down it moves the page
    fingers.set(event.pointerId, now);
    changed();
  });
  element.addEventListener("pointerup", (event) => {
    const { x, y } = place(event);
    if (fingers.size === 1 && moved <= 3) pointed(x, y, true);
    fingers.delete(event.pointerId);
  });
  element.addEventListener("pointercancel", (event) => fingers.delete(event.pointerId));
  element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const far = event.shiftKey ? 200 : 40; // pixels
    const lanes = event.shiftKey;
    const act: Record<string, () => void> = {
      ArrowLeft: () => camera.pan(far, 0),
      ArrowRight: () => camera.pan(-far, 0),
      ArrowUp: () => camera.pan(0, far),
      ArrowDown: () => camera.pan(0, -far),
      "+": () => camera.zoom(lanes ? 1 : 1.3, lanes ? 1.3 : 1),
      "*": () => camera.zoom(1, 1.3), // Shift and + on many keyboards
      "=": () => camera.zoom(1.3, 1),
      "-": () => camera.zoom(1 / 1.3, 1),
      _: () => camera.zoom(1, 1 / 1.3),
      Home: () => camera.pan(1e9, 0),
      End: () => camera.pan(-1e9, 0),
      0: () => camera.fits = true,
    };
    if (!Object.hasOwn(act, event.key)) return;
    event.preventDefault();
    act[event.key]();
    changed();
  });
}
