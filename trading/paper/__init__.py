"""Papers that people hold: a value goes in, the bytes of a PDF/A come out; the same value, the same bytes.

    receipts        a receipt, the slip of a refusal
    openings        the opening record 开标记录
    evaluations     the committee's report 评标报告: seats, never names
    awards          candidates' publicity 中标候选人公示, award notice 中标通知书, the cover of a contract
    statements      rows, totals and footnotes of accounts
    verifications   what `trading verify` found
    source          what the papers of a tender say, read from its archive
    press           template and values → PDF/A; a character that no font has is refused, never a box
    seals           an organisation's PAdES seal on the finished file

Pure but for the typesetter: no database, no network. Layout lies in `templates/*.typ`, one for each paper; what they say
in `trading/locale/papers_pdf.toml`. A paper proves nothing by itself: it names the hash of what does, in print and as a QR
code.
"""
