import { number } from '../format';
import { useText } from '../i18n';
import { Scroll } from './scroll';

interface FoldTableProps {
  label: string;
  /** What the first column names. */
  first: string;
  columns: { name: string; digits: number }[];
  rows: { fold: number; name: string; figures: (number | undefined)[] }[];
}

/** Figures for each fold. */
export function FoldTable({ label, first, columns, rows }: FoldTableProps) {
  const { language } = useText();
  return (
    <Scroll label={label}>
      <table>
        <thead>
          <tr>
            <th scope="col">{first}</th>
            {columns.map(({ name }) => (
              <th scope="col" class="number" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ fold, name, figures }) => (
            <tr key={fold}>
              <th scope="row" dir="auto">
                {name}
              </th>
              {columns.map((column, index) => {
                const figure = figures[index];
                return (
                  <td class="number" key={column.name}>
                    {figure !== undefined && number(figure, language, column.digits)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
