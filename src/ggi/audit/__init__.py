"""Controls, waivers and verdicts: does a landscape meet the baseline, how do you know, and what deviates?"""
