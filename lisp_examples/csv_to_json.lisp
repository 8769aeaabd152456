#!/usr/bin/env lispe
; From CSV to JSON, one object a line, one record at a time: the size of the
; file does not matter.
;
;    lispe lisp_examples/csv_to_json.lisp table.csv table.jsonl [separator]
;
; The first record names the columns. Fields may stand between quotes, hold
; separators, ends of lines, and quotes written twice (RFC 4180).

(defun usage () (throw "usage: csv_to_json.lisp table.csv table.jsonl [separator]"))

; A line without its end, whatever the system that wrote it.
(defun bare (line)
   (if (endwith line "\n") (setq line (left line (- (size line) 1))))
   (if (endwith line "\r") (left line (- (size line) 1)) line))

; Does a record go on after this text? Then a field is still open: its quotes
; are odd in number.
(defun openp (text) (= 1 (% (count text "\"") 2)))

; The text of the next record, nil after the last one.
(defun next_record (source)
   (setq text (file_readline source))
   (if (= text "") nil
      (block
         (setq more "x")
         (while (and (openp text) (!= more ""))
            (setq more (file_readline source))
            (setq text (+ text more)))
         (if (openp text) (throw (+ "a quote is never closed: " (left text 40))))
         (bare text))))

; A field without its quotes.
(defun unquoted (field)
   (if (startwith field "\"")
      (replace (middle field 1 (- (size field) 2)) "\"\"" "\"")
      field))

; What stands between separators, empty pieces too.
(defun pieces (text separator) (splite (+ text separator) separator))

; A separator inside quotes does not end a field: such pieces are joined again.
(defun fields (text separator)
   (setq found (list))
   (setq waiting nil)
   (loop piece (pieces text separator)
      (setq waiting (if (nullp waiting) piece (+ waiting separator piece)))
      (if (not (openp waiting))
         (block
            (push found (unquoted waiting))
            (setq waiting nil))))
   found)

; A number where the text is nothing but one, so that leading zeros stay.
(setq numeric (prgx `-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?`))
(defun value (text)
   (cond
      ((= text "") nil)
      ((prgx_match numeric text) (if (in text ".") (number text) (integer text)))
      (true text)))

(defun record (columns values number)
   (if (!= (size columns) (size values))
      (throw (+ "record " number " has " (size values) " fields, not " (size columns))))
   (setq object (json_dictionary))
   (loopcount (size columns) i
      (set@ object (@ columns i) (value (@ values i))))
   object)

(defun convert (from to separator)
   (setq source (file from 'r))
   (setq output (file to 'w))
   (setq header (next_record source))
   (if (nullp header) (throw (+ "the table is empty: " from)))
   (setq columns (fields header separator))
   (setq done 0)
   (setq text (next_record source))
   (while (not (nullp text))
      (if (!= text "")
         (block
            (+= done 1)
            (file_writeln output (json (record columns (fields text separator) done)))))
      (setq text (next_record source)))
   (file_close source)
   (file_close output)
   done)

(if (< (size _args) 2) (usage))
(println (convert (@ _args 0) (@ _args 1) (if (> (size _args) 2) (@ _args 2) ",")) "records")
