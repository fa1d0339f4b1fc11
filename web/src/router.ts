import { useEffect, useState } from 'preact/hooks';

export const ROUTES = ['listen', 'train', 'corpus', 'models', 'about'] as const;
export type Route = (typeof ROUTES)[number];

export function href(route: Route): string {
  return route === 'listen' ? '#/' : `#/${route}`;
}

/** The view that an address names; unknown ones lead to the first. */
export function routeOf(hash: string): Route {
  const name = hash.replace(/^#\/?/, '').split(/[/?]/)[0];
  return ROUTES.find((route) => route === name) ?? 'listen';
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash));
  useEffect(() => {
    const follow = () => setRoute(routeOf(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return route;
}
