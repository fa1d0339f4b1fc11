# shellcheck shell=bash
# For the scripts beside it, which read it in.
# shellcheck disable=SC2154 # `binary` is theirs.

# stand_in FOLDER: a corpus as small as trainings on it are short, made by "$binary", under the name and with the file names that the published
# systems' calls ask for (03a01Wa.wav, 16a07Fb.wav): FOLDER/emodb. It is no Emo-DB; checks only need something there.
stand_in() {
  local folder="$1" texts=(a01 a02 a04 a05 a07) file speaker emotion text code take
  "$binary" corpus synth "$folder/voices" --speakers 2 --takes 1 >/dev/null
  mkdir -p "$folder/emodb/wav"
  for file in "$folder"/voices/*.wav; do
    IFS=_ read -r speaker emotion text _ <<<"$(basename "$file" .wav)"
    case "$emotion" in
      anger) code=W ;; boredom) code=L ;; fear) code=A ;; happiness) code=F ;; neutral) code=N ;; sadness) code=T ;; *) continue ;;
    esac
    text="${texts[$((10#${text#t} - 1))]}"
    case "$speaker" in S01) speaker=03 take=a ;; *) speaker=16 take=b ;; esac
    mv "$file" "$folder/emodb/wav/$speaker$text$code$take.wav"
  done
  rm -r "$folder/voices"
}
