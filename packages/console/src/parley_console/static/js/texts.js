// Every text.
// Return a word of the API as people say it: `current_password` as "Current password".
export const say = word => texts.words[word] ?? word[0].toUpperCase() + word.slice(1).replace(/[._]/g, " ")

export const texts = {
	name: "Parley", interviews: "Interviews", week: "Week", people: "People", log: "Log", system: "System",
	me: "My account", skip: "Skip to the content", menu: "Menu", logOut: "Log out", optional: "(optional)",
	back: "Back", save: "Save", saved: "Saved", edit: "Edit", copy: "Copy", copied: "Copied", more: "Show more",
	moreFilters: "More filters", done: "Done", remove: "Remove", history: "History", you: " (you)",
	somebody: "Somebody", noName: "No name", hidden: "changed", offline: "No connection, trying again",
	tryAgain: "Try again", noMatch: "Nothing matches",
	failed: "That didn't work.", noServer: "The server can't be reached.",
	missing: "Nothing here", missingText: "There is no such page, or it isn't installed.",
	notShown: "This can't be shown",
	oneTab: "Over plain http a browser can't coordinate tabs. Use Parley in one tab only.", shown: count => `${count} shown`, minutes: count => `${count} minutes`,
	inZone: (time, zone) => `${time} in ${zone}`, long: length => `${length} characters`, all: "All",
	openOnes: "Open", earliest: "Earliest first", latest: "Latest first", newest: "Newest first", byTitle: "By title",
	likeAccount: "What their account says",
	words: {
		admin: "Administrator", q: "Search", sort: "Order", to: "Until", type: "Only", invite: "Invite them if they have no account",
		interview_type: "Type", scheduled_at: "Time", duration_minutes: "Minutes", user_email: "Email", participant_role: "Takes part as",
		user_id: "Person", my_role: "You take part as", created_at: "Account since", verified: "Address proved", participants: "People",
	},
	hints: {
		interview_type: "One word, such as technical or culture-fit.",
		notes: "For interviewers and administrators only.", reason: "For the history; candidates don't see it.",
		time_zone: "Where it takes place, such as Europe/Berlin.", invite: "Afterwards you get a link for them.",
		new_password: "At least 8 characters.", first_password: "Left empty, you get a link to pass on.",
		keptName: "Leave it empty to keep the one you have.",
	},
	door: {
		logIn: "Log in", welcome: "Interviews, and what people say in them.",
		forgotten: "No account, or forgotten the password? An administrator can give you a link.",
		choose: "Choose a password", chooseSubmit: "Save and log in",
	},
	list: {
		create: "New interview", submit: "Create", created: "Created. Now add people.",
		ofPerson: "One person's interviews.", ofAll: "Show everybody's", none: "No interviews yet",
		noneAdmin: "Create the first one, then add people.",
		noneOther: "One appears here once somebody adds you to it.", showAll: "Show all interviews",
		as: {interviewer: "you interview", candidate: "you are the candidate"},
	},
	interview: {
		moves: {ongoing: "Start", completed: "Complete", cancelled: "Cancel interview"},
		questions: {completed: "Nobody can change anything afterwards.", cancelled: "It stays visible. This can't be undone."},
		details: "Details", calendar: "Add to calendar",
		conflicts: count => (count === 1 ? "1 overlap" : `${count} overlaps`), edit: "Edit the details",
		reschedule: "Reschedule", faster: "Somebody else was faster",
		fasterText: "The interview changed while you were editing it. It is now:", overwrite: "Overwrite with mine",
	},
	participants: {
		add: "Add a person", none: "Nobody takes part yet.", removeText: "They can't open the interview any more.",
		removeOne: name => `Remove ${name}`, question: "Can you make it?",
		choose: {accepted: "Yes", tentative: "Maybe", declined: "No"},
		answers: {accepted: "Coming", tentative: "Maybe", declined: "Not coming"},
		noAnswer: "No answer yet", earlier: answer => `${answer} (to an earlier time)`,
	},
	messages: {
		title: "Messages", outsider: "Only people who take part read and write messages.",
		none: "No messages yet. Say hello.", closed: "The interview is over, and so is the conversation.",
		earlier: "Show earlier messages", write: "Your message", send: "Send", sent: "Sent", you: "You",
	},
	links: {
		invitation: "Invitation link", reset: "Link for a new password",
		text: name => `Send this link to ${name}, and to nobody else. It is shown only now, and works once.`,
		until: "It works until ",
	},
	weeks: {earlier: "Earlier", later: "Later", today: "This week", free: "Free"},
	person: {
		create: "New account", yes: "Yes", end: "End all sessions", ended: "All sessions have ended",
		deactivate: "Deactivate",
		deactivateText: "They can't log in any more, and their sessions end.",
		reactivate: "Reactivate",
	},
	changes: {
		about: "Every accepted change, as it happens.", none: "Changes appear here by themselves.",
		live: "Live", earlier: "Show earlier entries",
	},
	account: {
		profile: "Profile", passwordSaved: "Saved. Your other sessions have ended", sessions: "Where you are logged in",
		present: "this one", used: "Last used ", end: "End", endOne: device => `End the session of ${device}`,
		everywhere: "Log out everywhere", feeds: "Calendar feeds",
		feedsText: "A feed shows your interviews in your own calendar.",
		feedOnce: "Subscribe to this address. Keep it to yourself; it is shown only now.", newFeed: "New feed",
	},
	about: {
		ready: "Ready", notReady: "Not ready", versions: "Versions", warnings: "Warnings",
		noWarnings: "Nothing needs attention.", plugins: "Plugins", hooks: "Hooks", open: "open to anybody",
		policy: "Who may do what", everybody: "everybody",
	},
}
