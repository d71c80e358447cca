// The worker's script is imported as text.
declare const script: string;
export default script;
