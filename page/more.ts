/** The views that are fetched when one of them is first looked at. */
export { CompareView } from "./compare/view.ts";
export { CostView } from "./cost/view.ts";
