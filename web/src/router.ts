/** The address after `#` says what is shown, so that a reload, a bookmark and the back button work. */

import { useEffect, useState } from "preact/hooks";

export type Route =
  | { name: "start" }
  | { name: "scan"; id: string }
  | { name: "batch"; id: string }
  | { name: "history" }
  | { name: "models" }
  | { name: "settings" }
  | { name: "nowhere" };

export function routeOf(hash: string): Route {
  const [name = "", id = ""] = hash.replace(/^#\/?/, "").split("/");
  if (name === "") return { name: "start" };
  if ((name === "scan" || name === "batch") && /^[a-z]+_[A-Za-z0-9]+$/.test(id)) return { name, id };
  if (name === "history" || name === "models" || name === "settings") return { name };
  return { name: "nowhere" };
}

export function linkTo(route: Route): string {
  if (route.name === "start" || route.name === "nowhere") return "#/";
  return "id" in route ? `#/${route.name}/${route.id}` : `#/${route.name}`;
}

export function goTo(route: Route): void {
  location.hash = linkTo(route);
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash));
  useEffect(() => {
    const changed = () => setRoute(routeOf(location.hash));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}
