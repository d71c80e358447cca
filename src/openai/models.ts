/** The models that are served: GET /v1/models. */
import type { Hosted } from "./hosted.ts";
import type { Service } from "./service.ts";

export interface ModelObject {
  readonly id: string;
  readonly object: "model";
  readonly created: number;
  readonly owned_by: "kvcap";
}

const objectOf = ({ name, since }: Hosted): ModelObject => ({
  id: name,
  object: "model",
  created: since,
  owned_by: "kvcap",
});

/** All of them. */
export function listModels(service: Service): { object: "list"; data: ModelObject[] } {
  return { object: "list", data: service.models.map(objectOf) };
}

/** One of them. @throws RequestError */
export function oneModel(service: Service, name: string): ModelObject {
  return objectOf(service.hosted(name));
}
