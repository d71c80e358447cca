// What is cut off on a page: text wider than its box, fields too narrow for what they say, a page that scrolls sideways.
import type { Page } from "playwright-core";

/** What is cut, in a line each. What scrolls by design shows all of its text; what is unseen on purpose shows none. */
export const cutOff = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const found = new Set<string>();
    const name = (element: Element) => {
      const own = element.id ? `#${element.id}` : element.className ? `.${element.className}` : "";
      return `${element.tagName.toLowerCase()}${own} “${element.textContent!.trim().slice(0, 40)}”`;
    };
    const over = (what: string, element: Element, pixels: number) =>
      pixels > 1 && found.add(`${what} by ${pixels} px: ${name(element)}`);
    over("the page is too wide", document.body, document.documentElement.scrollWidth - innerWidth + 1);

    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const parent = texts.currentNode.parentElement!;
      const said = texts.currentNode.textContent!.trim() !== "" && parent.checkVisibility();
      if (!said || parent.closest(".unseen, svg, select, option, textarea, noscript, script")) continue;
      let box: HTMLElement | null = parent;
      while (getComputedStyle(box).display === "inline") box = box.parentElement!;
      for (let own = true; box; own = false, box = box.parentElement) {
        const { overflowX, overflowY } = getComputedStyle(box);
        if (/auto|scroll/.test(overflowX + overflowY)) break;
        if (own || overflowX !== "visible") over("cut at the side", box, box.scrollWidth - box.clientWidth);
        if (overflowY !== "visible") over("cut below", box, box.scrollHeight - box.clientHeight);
      }
    }

    for (const field of document.querySelectorAll<HTMLElement>("select, input:not([type=range], [type=file])")) {
      if (!field.checkVisibility()) continue;
      const before = field.style.cssText;
      const { width } = field.getBoundingClientRect();
      // As wide as what it shows, wherever it stands.
      field.style.cssText = "field-sizing: content; position: fixed; width: auto; min-width: 0; max-width: none";
      const tell = (said: string) =>
        over(`“${said}” in a field`, field, Math.ceil(field.getBoundingClientRect().width - width));
      if (field instanceof HTMLSelectElement) {
        const chosen = field.selectedIndex;
        for (const [i, { text }] of [...field.options].entries()) {
          field.selectedIndex = i;
          tell(text);
        }
        field.selectedIndex = chosen;
      } else tell((field as HTMLInputElement).value || field.getAttribute("placeholder")!);
      field.style.cssText = before;
    }
    return [...found];
  });
